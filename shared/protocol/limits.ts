/** Every bound of the wire, with its reason. A server tells its own in `welcome`; these are the defaults. [B1]-[B8] */

export interface Limits {
  /** Bytes of one frame from a client. Sixteen of the largest commands; `ws` alone would allow 100 MiB. [B1] */
  readonly frame_bytes_max: number;
  /** Bytes of one command's data as JSON. [B2] */
  readonly command_bytes_max: number;
  /** Commands in one frame. [B3] */
  readonly frame_commands_max: number;
  /** Commands a client may have sent that are not accepted yet. [B4] */
  readonly in_flight_max: number;
  /** Frames a second from one connection; twice that at once. [B5] */
  readonly frames_per_s_max: number;
  /** Bytes waiting to be sent to one reader before it is closed as slow; it resumes by snapshot. [B6] */
  readonly send_buffer_bytes_max: number;
  /** Connections of one session on one instance. [B7] */
  readonly connections_max: number;
  /** Incarnations one session remembers: forgetting one would let its commands in twice. [B8] */
  readonly writers_max: number;
}

export const defaultLimits: Limits = {
  frame_bytes_max: 262_144,
  command_bytes_max: 16_384,
  frame_commands_max: 256,
  in_flight_max: 256,
  frames_per_s_max: 50,
  send_buffer_bytes_max: 1_048_576,
  connections_max: 16,
  writers_max: 64,
};

/** Milliseconds an upgraded socket has to say hello. [H2] */
export const helloTimeoutMs = 5_000;

/** Milliseconds between pings of the server: well inside nginx' 60 s read timeout. [H5] */
export const heartbeatMs = 20_000;

/** Milliseconds without an answer to a ping before the connection is ended. [H5] */
export const pongTimeoutMs = 10_000;

/** Entries replayed at most; a client further behind gets a snapshot, which is smaller by then. [R1] */
export const replayEntriesMax = 500;

/** Bytes of entries replayed at most: half of what may wait for a reader, so that a replay alone never makes it slow. [R1] */
export const replayBytesMax = 524_288;

/** Bytes of the body of `POST /v1/sessions`: a workout of a thousand segments fits three times. [B9] */
export const bodyBytesMax = 262_144;

/** Bytes of a request's line and headers together. [B11] */
export const headerBytesMax = 16_384;

/**
 * Milliseconds a slow client has: for its headers, for its whole request, and without a byte in either direction; and how often it is
 * looked. [F3]
 */
export const slowClientMs = { headers: 10_000, request: 20_000, idle: 30_000, check: 1_000 };

/** Levels of objects and lists in a command's data: far from what a stack takes, and far more than data has. [B12] */
export const depthMax = 32;

/** Characters of a kind's, command's, event's or refusal's name. */
export const nameCharsMax = 64;

/** Latest commands of a writer whose hashes are kept: so far back a copied or rolled back storage is told apart exactly. [C8] */
export const hashesMax = 32;

/** Hashes of a writer's commands in one `welcome` at most, for a client that asks: some 1 MB, a day of riding at 1 Hz twice over. [C8] */
export const recalledHashesMax = 65_536;

/** Milliseconds a session can be resumed after it was last taken up: 30 days. [R9] */
export const retentionMs = 30 * 24 * 3_600_000;
