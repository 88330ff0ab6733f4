-- Replace the part of the log that Postgres holds by the snapshot that covers it, and keep the keys for another while.
-- KEYS: 1 meta, 2 log, 3 snapshot
-- ARGV: 1 owner id, 2 epoch, 3 offset of the snapshot, 4 snapshot, 5 milliseconds to keep the keys
-- Reply: "trimmed" | "fenced"
-- Atomic: a reader sees the old snapshot with the whole log, or the new one with the rest.
local meta = redis.call('HMGET', KEYS[1], 'owner', 'epoch')
if meta[1] ~= ARGV[1] or meta[2] ~= ARGV[2] then return 'fenced' end
redis.call('SET', KEYS[3], ARGV[4], 'PX', ARGV[5])
redis.call('XTRIM', KEYS[2], 'MINID', (tonumber(ARGV[3]) + 1) .. '-0')
redis.call('PEXPIRE', KEYS[1], ARGV[5])
redis.call('PEXPIRE', KEYS[2], ARGV[5])
return 'trimmed'
