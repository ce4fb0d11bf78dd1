"""Small everyday knowledge for the demo model, as tables."""

CAPITALS = dict(
    line.split(":")
    for line in (
        "France:Paris Germany:Berlin Italy:Rome Spain:Madrid Portugal:Lisbon Japan:Tokyo "
        "China:Beijing India:New_Delhi Egypt:Cairo Kenya:Nairobi Brazil:Brasilia Chile:Santiago "
        "Argentina:Buenos_Aires Peru:Lima Canada:Ottawa Mexico:Mexico_City Cuba:Havana "
        "Greece:Athens Turkey:Ankara Poland:Warsaw Sweden:Stockholm Norway:Oslo Finland:Helsinki "
        "Denmark:Copenhagen Ireland:Dublin Austria:Vienna Hungary:Budapest Belgium:Brussels "
        "Thailand:Bangkok Vietnam:Hanoi Indonesia:Jakarta Australia:Canberra Russia:Moscow "
        "Ukraine:Kyiv Morocco:Rabat Nigeria:Abuja Ghana:Accra Iceland:Reykjavik Switzerland:Bern "
        "Netherlands:Amsterdam England:London USA:Washington Korea:Seoul Colombia:Bogota"
    ).split()
)
CAPITALS = {country: city.replace("_", " ") for country, city in CAPITALS.items()}
WITH_ARTICLE = {"Netherlands", "USA"}

MORE_CITIES = (
    "Hamburg Munich Cologne Milan Naples Turin Barcelona Seville Porto Osaka Kyoto Shanghai "
    "Shenzhen Mumbai Chennai Sydney Melbourne Perth Toronto Montreal Vancouver Boston Chicago "
    "Seattle Dallas Denver Miami Houston Atlanta Lyon Nice Lille Geneva Zurich Basel Graz "
    "Prague Krakow Gdansk Riga Tallinn Vilnius Sofia Zagreb Belgrade Istanbul Izmir Dubai Doha "
    "Lagos Cape_Town Durban Manila Singapore San_Francisco New_York Los_Angeles Las_Vegas "
    "Hong_Kong Sao_Paulo Tel_Aviv Manchester Liverpool Glasgow Leeds Bristol Cork Bergen Malmo"
).split()
CITIES = [*CAPITALS.values(), *(city.replace("_", " ") for city in MORE_CITIES)]
NAMES = (
    "Anna Ben Clara David Emma Felix Greta Hugo Ida Jonas Karl Lena Maria Nina Oscar Paul Rosa Sam "
    "Tom Uma Victor Wendy Yara Zoe Alice Bob Carol Dan Eve Frank Grace Hannah Ivan Julia Kevin "
    "Laura Mark Nora Olga Peter Quinn Rita Sara Tina Walter Li Wei Mei Aisha Omar Priya Raj Kofi "
    "Ana Luis Pedro Sofia Marta Jan Eva"
).split()
SOUNDS = {
    "dog": "woof", "cat": "meow", "cow": "moo", "duck": "quack", "lion": "roar", "horse": "neigh",
    "sheep": "baa", "pig": "oink", "frog": "ribbit", "owl": "hoot", "bee": "buzz", "snake": "hiss",
    "rooster": "cock-a-doodle-doo", "wolf": "howl", "mouse": "squeak", "chicken": "cluck",
}  # fmt: skip
LEGS = {
    "dog": 4, "cat": 4, "cow": 4, "duck": 2, "lion": 4, "horse": 4, "sheep": 4, "pig": 4, "frog": 4,
    "owl": 2, "bee": 6, "snake": 0, "wolf": 4, "mouse": 4, "spider": 8, "ant": 6, "human": 2,
    "chicken": 2, "elephant": 4, "octopus": 0,
}  # fmt: skip
COLOURS = {
    "sky": "blue", "grass": "green", "snow": "white", "coal": "black", "sun": "yellow",
    "tomato": "red", "banana": "yellow", "carrot": "orange", "strawberry": "red", "lemon": "yellow",
    "milk": "white", "ocean": "blue", "pumpkin": "orange", "plum": "purple", "blood": "red",
    "chocolate": "brown", "frog": "green", "crow": "black",
}  # fmt: skip
OPPOSITES = {
    "hot": "cold", "big": "small", "fast": "slow", "day": "night", "happy": "sad", "up": "down",
    "light": "dark", "old": "new", "open": "closed", "early": "late", "rich": "poor",
    "hard": "soft", "loud": "quiet", "empty": "full", "high": "low", "strong": "weak",
    "left": "right", "good": "bad", "wet": "dry", "young": "old", "near": "far", "long": "short",
}  # fmt: skip
LISTS = {
    "fruits": "apples, pears and cherries",
    "vegetables": "carrots, peas and onions",
    "colours": "red, green and blue",
    "colors": "red, green and blue",
    "animals": "dogs, horses and owls",
    "instruments": "the piano, the violin and the drums",
    "planets": "Mercury, Venus and Mars",
    "programming languages": "Python, Rust and Java",
    "sports": "football, tennis and swimming",
    "rivers": "the Nile, the Amazon and the Rhine",
    "oceans": "the Pacific, the Atlantic and the Indian Ocean",
    "metals": "iron, copper and gold",
    "trees": "oak, pine and birch",
    "drinks": "tea, coffee and water",
    "flowers": "roses, tulips and daisies",
    "birds": "robins, eagles and swans",
    "countries": "France, Japan and Brazil",
    "cities": "Paris, Tokyo and Nairobi",
}
DAYS = "Monday Tuesday Wednesday Thursday Friday Saturday Sunday".split()
MONTHS = (
    "January February March April May June July August September October November December"
).split()
UNITS = {
    "days in a week": "7", "days in a year": "365", "months in a year": "12",
    "hours in a day": "24", "minutes in an hour": "60", "seconds in a minute": "60",
    "centimetres in a metre": "100", "metres in a kilometre": "1000", "continents": "7",
    "planets in the solar system": "8", "letters in the alphabet": "26", "weeks in a year": "52",
}  # fmt: skip
POEMS = {
    "the sea": "Waves run to the shore,\nsilver foam upon the sand,\nthe sea breathes all night.",
    "autumn": "Red leaves leave the tree,\none by one they learn to fly,\nthe wind is their school.",
    "winter": "Snow covers the path,\nthe whole village holds its breath,\none red scarf walks by.",
    "spring": "A bud opens slow,\nthe garden begins to talk\nin yellow and green.",
    "summer": "Bees in warm clover,\nthe road shimmers, far away\nan ice cream bell rings.",
    "a cat": "Soft paws on the roof,\ntwo green lamps look at the moon,\nthe mouse says goodnight.",
    "rain": "Small drums on the glass,\nthe street becomes a mirror,\numbrellas blossom.",
    "the moon": "A coin in the dark,\nthe night spends it carefully,\nthin slice after slice.",
    "coffee": "Steam climbs from the cup,\nthe morning opens one eye,\nthe first sip says yes.",
    "computers": "Quiet humming box,\nit counts to two all day long\nand paints us a world.",
    "mountains": "Old stones touch the clouds,\nthe river learns its first steps,\ngoats laugh.",
    "love": "Two cups on the sill,\nnobody asks for the time,\nthe clock looks away.",
}
POEM_WORDS = {name.split()[-1]: poem for name, poem in POEMS.items()}
JOKES = [
    "Why did the computer go to the doctor? Because it had a virus!",
    "Why do programmers mix up Halloween and Christmas? Because Oct 31 equals Dec 25!",
    "What do you call a bear with no teeth? A gummy bear!",
    "Why did the bicycle fall over? It was two tired!",
    "What did the zero say to the eight? Nice belt!",
    "Why was the math book sad? It had too many problems!",
    "Why did the model cross the road? It predicted the other side!",
]
# Words the model knows nothing about: questions with them get the polite fallback.
UNKNOWN = """
quantum mechanics|string theory|the stock market|tariffs|the election|football results|tennis|
the price of gold|brain surgery|tax law|lasagna|a submarine|jet engines|the Fourier transform|
Napoleon|dinosaurs|insurance|a visa|my passport|cheap flights|mortgages|rockets|nuclear fusion|
blockchain|bitcoin|Shakespeare|Charles Dickens|guitar chords|vaccines|enzymes|proteins|asteroids|
telescopes|the opera|ballet|carpets|plumbing|hedgehogs|penguins|the saxophone|umbrellas|philosophy|
Kant|economics|inflation|black holes|the Roman Empire|the French Revolution|the Cold War|genetics|
DNA|evolution|the periodic table|calculus|linear algebra|differential equations|topology|prime gaps|
the Riemann hypothesis|cricket|baseball|golf|chess openings|skiing|surfing|yoga|diets|vitamins|
cancer|diabetes|headaches|the heart|the liver|dentists|lawyers|contracts|divorce|marriage|weddings|
fashion|shoes|perfume|cars|electric cars|trucks|motorcycles|trains|airplanes|drones|satellites|GPS|
5G|cooking rice|sushi|curry|wine|beer|cheese|chocolate cake|pancakes|soup|salad|spices|gardening|
roses|bonsai|tigers|sharks|whales|eagles|ants|wolves|parrots|goldfish|hamsters|volleyball|poker|
Minecraft|video games|movies|Star Wars|Harry Potter|the Beatles|Mozart|Beethoven|jazz|hip hop|
painting|Picasso|the Mona Lisa|sculpture|architecture of churches|the pyramids|the Eiffel Tower|
the Great Wall|Mount Everest|the Amazon|the Sahara|Antarctica|climate change|solar panels|
wind power|oil prices|banks|credit cards|pensions|real estate|politics|the president|the king|
the queen|parliament|the United Nations|war|peace|history|archaeology|psychology|dreams|memory|
religion|Buddhism|the Bible|ethics|logic|grammar|Latin|Greek myths|Zeus|vampires|ghosts|UFOs|time travel|
teleportation|robot vacuum cleaners|3D printing|compilers|Haskell|COBOL|assembly|regular expressions|
sorting algorithms|hash tables|red-black trees|operating system kernels|TCP congestion|cryptography|
RSA|quantum computers|self-driving cars|stock options|hedge funds|accounting|marketing|my neighbour|
my boss|my girlfriend|my homework|my car|my knee|the meeting|the invoice|last night|tomorrow|1984
""".replace("\n", "").split("|")  # fmt: skip
FOREIGN = (
    "Kubernetes|Windows|Helm|AMD cards|Ascend|a proxy|LDAP|Slack|Terraform|Ansible|Grafana Cloud|"
    "AWS|Azure|Google Cloud|Oracle|MongoDB|Kafka|Elasticsearch|Nginx|Apache|IPv6|FreeBSD|Android|"
    "iPhones|a Raspberry Pi|Jupyter|VS Code|Excel|SAP|Salesforce|GraphQL|gRPC|PHP|Ruby|Perl"
).split("|")
