-- A claim on the budget that instances share.
--
-- KEYS[1]: a hash. `pool` is what there is: tokens, the time up to which they
-- are counted, and the time until which the upstream is left alone. Each other
-- field is an instance: until when it lends its share, the share, its rate, its
-- burst, its concurrency, and its requests under way. All times are this
-- server's, in microseconds.
--
-- Tokens come at the rate, in the part of it that was lent; no more are kept
-- than that part of the burst. A share that is not lent any more is its
-- instance's own, with its own tokens: so all together stay within the budget.
local instance = ARGV[1]
local void_after, lease, linger = tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
local share, rate, burst = tonumber(ARGV[5]), tonumber(ARGV[6]), tonumber(ARGV[7])
local concurrency, under_way = tonumber(ARGV[8]), tonumber(ARGV[9])
local wanted, hold = tonumber(ARGV[10]), tonumber(ARGV[11])
local most_instances, longest_hold = tonumber(ARGV[12]), tonumber(ARGV[13])

local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
-- Whoever made it no longer waits for it.
if void_after < now then return {0, now, 0, 0, 0, 0} end

local function numbers(text)
    local read = {}
    for number in string.gmatch(text, '%S+') do table.insert(read, tonumber(number) or 0) end
    return read
end

local tokens, counted, held = 0, now, 0
local all, known = {}, 0
local found = redis.call('HGETALL', KEYS[1])
for n = 1, #found, 2 do
    local read = numbers(found[n + 1])
    if found[n] == 'pool' then
        tokens, counted, held = read[1] or 0, read[2] or now, read[3] or 0
    elseif #read == 6 then
        -- Nothing lasts for longer than it can have been told: the clock was set back.
        all[found[n]] = {
            till = math.min(read[1], now + lease), share = read[2], rate = read[3],
            burst = read[4], concurrency = read[5], under_way = read[6],
        }
        known = known + 1
    end
end
if not all[instance] and most_instances <= known then return {2, now, 0, 0, 0, 0} end
held = math.min(held, now + longest_hold)

-- The least of what those say who lend; 0 is no limit.
local function least(what, since)
    local least = 0
    for _, one in pairs(all) do
        if since < one.till and one[what] > 0 and (least == 0 or one[what] < least) then
            least = one[what]
        end
    end
    return least
end

-- What has come since it was last counted, by what was lent then.
local from = math.max(math.min(counted, now), held)
local lent = 0
for _, one in pairs(all) do
    lent = lent + one.share * math.max(0, math.min(now, one.till) - from)
end
tokens = tokens + math.min(lent, math.max(0, now - from)) * least('rate', from) / 1000000
counted = math.max(now, held)

-- Who lends now.
all[instance] = {
    till = now + lease, share = share, rate = rate, burst = burst,
    concurrency = concurrency, under_way = under_way,
}
local part = 0
for _, one in pairs(all) do
    if now < one.till then part = part + one.share end
end
part = math.min(1, part)
rate, burst, concurrency = least('rate', now), least('burst', now), least('concurrency', now)
if burst > 0 then tokens = math.min(tokens, math.max(1, burst * part)) end

-- The upstream asked to be left alone: nothing is saved up until it may be asked.
if hold > 0 then held = math.max(held, now + math.min(hold, longest_hold)) end
if now < held then tokens, counted = 0, held end

local granted, wait, interval = wanted, 0, 0
if rate > 0 then
    interval = 1000000 / (rate * part)
    -- Fractions add up to a little less than they are.
    local whole = math.floor(tokens + 0.000001)
    granted = math.min(granted, whole)
    wait = math.max(0, (1 - (tokens - granted)) * interval)
end
if concurrency > 0 then
    local free = math.max(1, math.floor(concurrency * part + 0.000001))
    for name, one in pairs(all) do
        local own = 0
        -- Its own share of the places is not among these.
        if one.till <= now then own = math.max(1, math.floor(concurrency * one.share + 0.000001)) end
        free = free - math.max(0, one.under_way - own)
    end
    if free < granted then
        granted = math.max(0, free)
        wait = math.max(wait, 50000)
    end
end
if now < held then granted, wait = 0, held - now end
if rate > 0 then tokens = math.max(0, tokens - granted) end
all[instance].under_way = under_way + granted

local function write(...)
    local words = {}
    for _, number in ipairs({...}) do table.insert(words, string.format('%.17g', number)) end
    return table.concat(words, ' ')
end
redis.call('HSET', KEYS[1], 'pool', write(tokens, counted, held))
for name, one in pairs(all) do
    if one.till + linger < now then
        redis.call('HDEL', KEYS[1], name)
    elseif name == instance then
        redis.call('HSET', KEYS[1], name, write(
            one.till, one.share, one.rate, one.burst, one.concurrency, one.under_way))
    end
end
redis.call('PEXPIRE', KEYS[1], 2 * math.ceil(longest_hold / 1000))
return {1, now, granted, math.ceil(wait), math.ceil(interval), math.max(0, math.ceil(held - now))}
