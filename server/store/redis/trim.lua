-- Replace the part of the log that Postgres holds by the snapshot that covers it, and keep the keys for another while.
-- KEYS: 1 meta, 2 log, 3 snapshot
-- ARGV: 1 owner id, 2 epoch, 3 offset of the snapshot, 4 snapshot, 5 milliseconds to keep the keys
-- Reply: "appended" | "fenced" | "behind" | "absent", as for an append
-- Atomic: a reader sees the old snapshot with the whole log, or the new one with the rest. One that lands late changes nothing.
local offset = tonumber(ARGV[3])
local meta = redis.call('HMGET', KEYS[1], 'owner', 'epoch', 'head', 'covered', 'identity')
if not meta[1] then return 'absent' end
if string.match(redis.call('INFO', 'server'), 'run_id:(%w+)') ~= meta[5] then return 'behind' end
if meta[1] ~= ARGV[1] then return 'fenced' end
if meta[2] ~= ARGV[2] or offset > tonumber(meta[3]) then return 'behind' end
if offset <= tonumber(meta[4]) then return 'appended' end
-- What frees memory first: a server that is out of it refuses a script that begins with what grows, and could never be emptied.
redis.call('XTRIM', KEYS[2], 'MINID', (offset + 1) .. '-0')
redis.call('SET', KEYS[3], ARGV[4], 'PX', ARGV[5])
redis.call('HSET', KEYS[1], 'covered', ARGV[3])
redis.call('PEXPIRE', KEYS[1], ARGV[5])
redis.call('PEXPIRE', KEYS[2], ARGV[5])
return 'appended'
