-- Forget a session that is over and wholly in Postgres.
-- KEYS: 1 meta, 2 log, 3 snapshot
-- ARGV: 1 owner id, 2 epoch, 3 head offset
-- Reply: "appended" when it is forgotten | "fenced" | "behind" | "absent", as for an append
-- Atomic: a log that went on, or has another owner, stays as it is.
local meta = redis.call('HMGET', KEYS[1], 'owner', 'epoch', 'head', 'identity')
if not meta[1] then return 'absent' end
if string.match(redis.call('INFO', 'server'), 'run_id:(%w+)') ~= meta[4] then return 'behind' end
if meta[1] ~= ARGV[1] then return 'fenced' end
if meta[2] ~= ARGV[2] or meta[3] ~= ARGV[3] then return 'behind' end
redis.call('DEL', KEYS[1], KEYS[2], KEYS[3])
return 'appended'
