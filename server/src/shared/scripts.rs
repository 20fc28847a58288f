//! What the server is told to do in one step, in its own language.

/// Keeps a value, unless a mark is in its place that was not there before, or
/// another value than the one with this digest (`any` keeps it in any case):
/// that is answered then, with its digest.
///
/// What has another type is not ours: GETRANGE fails, and all is as it was.
pub(super) const KEEP: &str = r"
local found = redis.call('GETRANGE', KEYS[1], 0, tonumber(ARGV[4]))
local ttl = tonumber(ARGV[2])
if string.sub(found, 1, 7) == 'purged ' then
    if found ~= ARGV[3] then return {0, '', ''} end
elseif found ~= '' and ARGV[5] ~= 'any' then
    local digest = redis.sha1hex(found)
    if digest ~= ARGV[5] then return {2, digest, found} end
    ttl = math.max(ttl, redis.call('PTTL', KEYS[1]))
end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ttl)
return {1, '', ''}";

/// Puts a mark in the place of what is there; where memory is full, nothing.
pub(super) const PURGE: &str = r"
redis.call('GETRANGE', KEYS[1], 0, 0)
local set = redis.pcall('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
if type(set) == 'table' and set.err then redis.call('DEL', KEYS[1]) end
return 1";

/// Takes a lease that nobody has: 0, or for how many milliseconds another has it.
pub(super) const LEASE: &str = r"
if redis.call('SET', KEYS[1], ARGV[1], 'NX', 'PX', ARGV[2]) then return 0 end
return redis.call('PTTL', KEYS[1])";

/// Makes a lease longer, if it is still this one.
pub(super) const RENEW: &str = r"
if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('PEXPIRE', KEYS[1], ARGV[2]) end
return 0";

/// Ends a lease, if it is still this one.
pub(super) const RELEASE: &str = r"
if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end
return 0";

/// Ends a lease, whoever has it; what has another type is not one.
pub(super) const END: &str = r"
redis.call('GET', KEYS[1])
return redis.call('DEL', KEYS[1])";

/// Adds a purge to the log.
pub(super) const LOG: &str = r"
redis.call('XADD', KEYS[1], 'MAXLEN', ARGV[3], '*', 'by', ARGV[1], 'key', ARGV[2])
return redis.call('PEXPIRE', KEYS[1], ARGV[4])";

/// Reads the log after a place: its length, its first place and its last, then
/// place, instance and key of each entry.
pub(super) const READ_LOG: &str = r"
local length = redis.call('XLEN', KEYS[1])
if length == 0 then return {'0', '', ''} end
local said = {tostring(length)}
table.insert(said, redis.call('XRANGE', KEYS[1], '-', '+', 'COUNT', 1)[1][1])
table.insert(said, redis.call('XREVRANGE', KEYS[1], '+', '-', 'COUNT', 1)[1][1])
for _, entry in ipairs(redis.call('XRANGE', KEYS[1], '(' .. ARGV[1], '+')) do
    table.insert(said, entry[1])
    table.insert(said, entry[2][2])
    table.insert(said, entry[2][4])
end
return said";

/// Tells the time: seconds, and microseconds within one.
pub(super) const TIME: &str = "return redis.call('TIME')";

/// Claims a part of the upstream's budget.
pub(super) const CLAIM: &str = include_str!("budget.lua");
