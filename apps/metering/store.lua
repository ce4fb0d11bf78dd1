-- Limits in Redis. Each run is one step: nobody else's comes in between.
--
-- ARGV[1]: calls in msgpack, each {what to do, names of counters, arguments}; ARGV[2]: the time in
-- milliseconds (0: this server's). → for each call its answer, or a text that says what failed.
-- Many small arguments cost the web process more than all that is done with them, hence msgpack.
-- Kinds of counters:
--   w  the last minute: a hash of tenths of a second, their sum `n`, the oldest `o`, the latest `l`
--   p  a day or month: a number
--   c  what runs now: a sorted set of leases by the time they run out
-- The algorithm is that of windows.py.

local BUCKET, BUCKETS, KEEP = 100, 600, 61000

local now = tonumber(ARGV[2])
if now == 0 then
  local time = redis.call('TIME')
  now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
end
local bucket = math.floor(now / BUCKET)

local function whole(number)
  return string.format('%.0f', number)
end

-- Forgets what is older than a minute; what is left, its oldest and its latest bucket, and whether
-- nothing has been counted in this bucket yet.
local function window(key)
  local head = redis.call('HMGET', key, 'n', 'o', 'l')
  local used, oldest, latest = tonumber(head[1] or 0), tonumber(head[2] or bucket), tonumber(head[3] or bucket)
  local fresh = not head[3] or latest ~= bucket
  if bucket - oldest > BUCKETS then
    for old = oldest, math.min(latest, bucket - BUCKETS - 1) do
      local count = redis.call('HGET', key, old)
      if count then
        used = used - tonumber(count)
        redis.call('HDEL', key, old)
      end
    end
    oldest = bucket - BUCKETS
    redis.call('HSET', key, 'n', whole(used), 'o', oldest)
  end
  return used, oldest, latest, fresh
end

local function window_wait(key, oldest, latest, excess)
  for old = oldest, latest do
    local count = redis.call('HGET', key, old)
    if count then
      excess = excess - tonumber(count)
      if excess <= 0 then
        return (old + BUCKETS + 1) * BUCKET - now
      end
    end
  end
  return BUCKETS * BUCKET
end

-- What ``window`` has told, and nothing was done with the key since.
local function window_add(key, amount, used, oldest, fresh)
  redis.call('HINCRBY', key, bucket, whole(amount))
  redis.call('HSET', key, 'n', whole(used + amount), 'o', oldest, 'l', bucket)
  if fresh then
    redis.call('PEXPIRE', key, KEEP)
  end
end

-- Arguments: lease, milliseconds it lasts; then for each key: kind, limit, amount, what was used
-- before the counter was made (-1: not known), milliseconds until the period ends.
-- → {1 done | 0 refused | -1 say what was used, time, for each key: used before, wait, reset}
local function reserve(keys, given)
  local lease, lasts = given[1], given[2]
  local outcome, answer, windows = 1, {0, now}, {}
  for i, key in ipairs(keys) do
    local at = 5 * i - 2
    local kind, limit, amount = given[at], given[at + 1], given[at + 2]
    local used, wait, reset = 0, 0, 0
    if kind == 'w' then
      local oldest, latest, fresh
      used, oldest, latest, fresh = window(key)
      windows[i] = {used, oldest, fresh}
      if used + amount > limit then
        wait = window_wait(key, oldest, latest, used + amount - limit)
      end
      if used ~= 0 then
        reset = math.max(0, (latest + BUCKETS + 1) * BUCKET - now)
      end
    elseif kind == 'p' then
      local found = redis.call('GET', key)
      if found then
        used = tonumber(found)
      else
        used = given[at + 3]
        if used < 0 then
          used, outcome = -1, -1
        end
      end
      reset = given[at + 4]
      if used + amount > limit then
        wait = reset
      end
    else
      redis.call('ZREMRANGEBYSCORE', key, '-inf', now)
      used = redis.call('ZCARD', key)
      if used + 1 > limit then
        wait = 1000
      end
    end
    if wait > 0 and outcome == 1 then
      outcome = 0
    end
    answer[3 * i], answer[3 * i + 1], answer[3 * i + 2] = used, wait, reset
  end
  answer[1] = outcome
  if outcome ~= 1 then
    return answer
  end
  for i, key in ipairs(keys) do
    local at = 5 * i - 2
    local kind, amount = given[at], given[at + 2]
    if kind == 'w' then
      if amount > 0 then
        window_add(key, amount, unpack(windows[i]))
      end
    elseif kind == 'p' then
      redis.call('SET', key, whole(answer[3 * i] + amount), 'PX', given[at + 4] + 60000)
    else
      redis.call('ZADD', key, now + lasts, lease)
      redis.call('PEXPIRE', key, lasts * 2)
    end
  end
  return answer
end

-- Arguments: lease, the time of the reservation; then for each key: kind, how much more it was.
local function settle(keys, given)
  local lease, taken = given[1], math.floor(given[2] / BUCKET)
  for i, key in ipairs(keys) do
    local kind, by = given[2 * i + 1], given[2 * i + 2]
    if kind == 'c' then
      redis.call('ZREM', key, lease)
    elseif kind == 'p' then
      -- A counter that is gone is made anew from what the database has, this included.
      if redis.call('EXISTS', key) == 1 then
        redis.call('INCRBY', key, whole(by))
      end
    elseif by > 0 then
      local used, oldest, _, fresh = window(key)
      window_add(key, by, used, oldest, fresh)
    elseif by < 0 then
      -- Is it there still? If it is too old, what is left of it is forgotten with it.
      if redis.call('HEXISTS', key, taken) == 1 then
        redis.call('HINCRBY', key, taken, whole(by))
        redis.call('HINCRBY', key, 'n', whole(by))
      end
    end
  end
  return 1
end

-- The first key: the web processes. Arguments: this one, milliseconds a lease lasts, whether the
-- leases may be unknown here; then for each further key its leases.
-- → {number of web processes, 1 if this one was known}
local function renew(keys, given)
  local me, lasts, anew = given[1], given[2], given[3]
  redis.call('ZREMRANGEBYSCORE', keys[1], '-inf', now)
  local known = redis.call('ZADD', keys[1], now + lasts, me) == 0
  redis.call('PEXPIRE', keys[1], lasts * 2)
  for i = 2, #keys do
    for _, lease in ipairs(given[i + 2]) do
      if known and not anew then
        redis.call('ZADD', keys[i], 'XX', now + lasts, lease)
      else
        redis.call('ZADD', keys[i], now + lasts, lease)
      end
    end
    redis.call('PEXPIRE', keys[i], lasts * 2)
  end
  return {redis.call('ZCARD', keys[1]), known and 1 or 0}
end

local does = {reserve = reserve, settle = settle, renew = renew}
local answers = {}
for i, call in ipairs(cmsgpack.unpack(ARGV[1])) do
  -- One that fails must not take the others with it.
  local done, answer = pcall(does[call[1]], call[2], call[3])
  if not done then
    answer = type(answer) == 'table' and answer.err or tostring(answer)
  end
  answers[i] = answer
end
return answers
