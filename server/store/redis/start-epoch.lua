-- Begin a new life of a session's log from a snapshot. Whatever stood here was read and merged, or proven stale, at take-over.
-- KEYS: 1 meta, 2 log, 3 snapshot
-- ARGV: 1 owner id, 2 term, 3 epoch, 4 head offset, 5 snapshot, 6 kind, 7 schema version, 8 milliseconds to keep the keys
-- Reply: "appended" | "fenced"
-- Atomic. A higher term, or another owner of the same term, refuses.
local owner, term = ARGV[1], tonumber(ARGV[2])
local meta = redis.call('HMGET', KEYS[1], 'owner', 'term')
if meta[1] and (tonumber(meta[2]) > term or (tonumber(meta[2]) == term and meta[1] ~= owner)) then
  return 'fenced'
end
local identity = string.match(redis.call('INFO', 'server'), 'run_id:(%w+)')
redis.call('DEL', KEYS[2])
redis.call('SET', KEYS[3], ARGV[5], 'PX', ARGV[8])
redis.call('HSET', KEYS[1], 'owner', owner, 'term', ARGV[2], 'epoch', ARGV[3], 'head', ARGV[4],
  'kind', ARGV[6], 'version', ARGV[7], 'identity', identity)
redis.call('PEXPIRE', KEYS[1], ARGV[8])
return 'appended'
