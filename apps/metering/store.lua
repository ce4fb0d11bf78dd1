-- Limits in Redis. One call is one step: nobody else's comes in between.
--
-- KEYS: the counters. ARGV[1]: what to do, ARGV[2]: the time in milliseconds (0: this server's).
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

-- Forgets what is older than a minute; what is left, its oldest and its latest bucket.
local function window(key)
  local head = redis.call('HMGET', key, 'n', 'o', 'l')
  local used, oldest, latest = tonumber(head[1] or 0), tonumber(head[2] or bucket), tonumber(head[3] or bucket)
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
  return used, oldest, latest
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

local function window_add(key, amount)
  redis.call('HINCRBY', key, bucket, amount)
  redis.call('HINCRBY', key, 'n', amount)
  redis.call('HSETNX', key, 'o', bucket)
  redis.call('HSET', key, 'l', bucket)
  redis.call('PEXPIRE', key, KEEP)
end

-- ARGV: lease, milliseconds it lasts; then for each key: kind, limit, amount, what was used before
-- the counter was made (-1: not known), milliseconds until the period ends.
-- → {1 done | 0 refused | -1 say what was used, time, for each key: used before, wait, reset}
local function reserve()
  local lease, lasts = ARGV[3], tonumber(ARGV[4])
  local outcome, answer = 1, {0, now}
  for i, key in ipairs(KEYS) do
    local at = 5 * i
    local kind, limit, amount = ARGV[at], tonumber(ARGV[at + 1]), tonumber(ARGV[at + 2])
    local used, wait, reset = 0, 0, 0
    if kind == 'w' then
      local oldest, latest
      used, oldest, latest = window(key)
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
        used = tonumber(ARGV[at + 3])
        if used < 0 then
          used, outcome = -1, -1
        end
      end
      reset = tonumber(ARGV[at + 4])
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
  for i, key in ipairs(KEYS) do
    local at = 5 * i
    local kind, amount = ARGV[at], ARGV[at + 2]
    if kind == 'w' then
      if tonumber(amount) > 0 then
        window_add(key, amount)
      end
    elseif kind == 'p' then
      redis.call('SET', key, whole(answer[3 * i] + tonumber(amount)), 'PX', tonumber(ARGV[at + 4]) + 60000)
    else
      redis.call('ZADD', key, now + lasts, lease)
      redis.call('PEXPIRE', key, lasts * 2)
    end
  end
  return answer
end

-- ARGV: lease, the time of the reservation; then for each key: kind, how much more it was.
local function settle()
  local lease, taken = ARGV[3], math.floor(tonumber(ARGV[4]) / BUCKET)
  for i, key in ipairs(KEYS) do
    local kind, by = ARGV[2 * i + 3], ARGV[2 * i + 4]
    if kind == 'c' then
      redis.call('ZREM', key, lease)
    elseif kind == 'p' then
      -- A counter that is gone is made anew from what the database has, this included.
      if redis.call('EXISTS', key) == 1 then
        redis.call('INCRBY', key, by)
      end
    elseif tonumber(by) > 0 then
      window(key)
      window_add(key, by)
    elseif tonumber(by) < 0 then
      window(key)
      if redis.call('HEXISTS', key, taken) == 1 then
        redis.call('HINCRBY', key, taken, by)
        redis.call('HINCRBY', key, 'n', by)
      end
    end
  end
  return 1
end

-- KEYS[1]: the web processes. ARGV: this one, milliseconds a lease lasts, 1 if the leases may be
-- unknown here; then for each further key the number of its leases and the leases.
-- → {number of web processes, 1 if this one was known}
local function renew()
  local me, lasts, anew = ARGV[3], tonumber(ARGV[4]), ARGV[5] == '1'
  redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now)
  local known = redis.call('ZADD', KEYS[1], now + lasts, me) == 0
  redis.call('PEXPIRE', KEYS[1], lasts * 2)
  local at = 6
  for i = 2, #KEYS do
    for j = at + 1, at + tonumber(ARGV[at]) do
      if known and not anew then
        redis.call('ZADD', KEYS[i], 'XX', now + lasts, ARGV[j])
      else
        redis.call('ZADD', KEYS[i], now + lasts, ARGV[j])
      end
    end
    redis.call('PEXPIRE', KEYS[i], lasts * 2)
    at = at + tonumber(ARGV[at]) + 1
  end
  return {redis.call('ZCARD', KEYS[1]), known and 1 or 0}
end

if ARGV[1] == 'reserve' then
  return reserve()
elseif ARGV[1] == 'settle' then
  return settle()
end
return renew()
