"""The catalogue: which models there are, in which sizes and formats, and where their files lie.

Pure: no Django here, so that nodes, commands and tests read it as well as the web does.

=============== ===============================================================================
schema          the form of a family, which is also the form of a registration
families/       the families themselves, one JSON file each
library         all of them and the user's own: find, search
choice          family → spec and quantization → the files to fetch
checks          what a family must fulfil; mistakes named by field
convert         registrations in our form and in Xinference's, in and out
xinference_*    the parts of that: their forms, in, specs, out
=============== ===============================================================================
"""
