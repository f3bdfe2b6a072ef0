/* A serial scanner: bytes from a port become scans.
 *
 * scan_frame is a pure function over a buffer: frame found, need more, or garbage, and how many
 * bytes to drop. The scanner object adds the port, the timers and re-opening with back-off (0.25 s
 * doubling to 10 s; back at 0.25 s once the device has brought a scan or stayed for 10 s).
 *
 * A frame is `prefix, AIM identifier, value, terminator`. A read whose terminator is missing 50 ms
 * after its last byte is dropped as "incomplete", whatever the terminator: half a number can be
 * another customer's number, and a cashier who sees nothing scans again.
 *
 * Guard: the same value and symbology again within guard_ms of the last time it was read is dropped
 * and counted. Each repeat restarts the time, but only up to 3 * guard_ms from the scan that was
 * accepted, so that a trigger held down, or a card read twice on purpose, comes through again.
 *
 * Loop thread only; not to be freed from inside a callback. Its events have priority 0: a base with
 * more than one priority serves scans first.
 */
#ifndef LANEWAY_CAPTURE_SCANNER_H
#define LANEWAY_CAPTURE_SCANNER_H

#include "capture/capture.h"

enum scan_terminator { SCAN_CR, SCAN_LF, SCAN_CRLF, SCAN_TAB, SCAN_ANY };

struct scanner_params {
	char name[EVENT_NAME_SIZE], lane[EVENT_NAME_SIZE], role[17];
	char port[256]; /* "/dev/serial/by-id/...", a pseudo-terminal, or a link to one */
	int baud;       /* 1200 to 921600; 8N1 */
	enum scan_terminator terminator; /* SCAN_ANY: CR, LF or CRLF */
	char prefix[17]; /* bytes in front of every scan, removed; a scan without it is refused */
	bool aim;        /* an AIM identifier ("]E0") is expected; without it "]" is data */
	int length_min, length_max; /* of the value as sent, in bytes: 1 to CAPTURE_SCAN_MAX */
	int guard_ms;               /* 0 (no guard) to 5000 */
};

enum frame_result {
	FRAME_NEED_MORE,
	FRAME_EMPTY, /* terminators with nothing in front: nothing to report */
	FRAME_SCAN,
	FRAME_TOO_LONG,
	FRAME_TOO_SHORT,
	FRAME_CONTROL,    /* a control character that is not GS */
	FRAME_PREFIX,     /* the prefix is missing */
	FRAME_SYMBOLOGY,  /* the AIM identifier is missing */
	FRAME_INCOMPLETE, /* the terminator is missing */
	FRAME_RESULT_COUNT
};

struct frame_scan {
	const char *value; /* into the buffer; not NUL-terminated */
	size_t len;
	char symbology[4]; /* "]E0", or empty */
	bool unended; /* FRAME_TOO_LONG: its end has not come; drop up to it by scan_frame_skip */
};

/* Look at data[0..n). idle: nothing more came for 50 ms, so what is there is over. *drop: bytes to
 * consume; FRAME_NEED_MORE drops nothing, every other result at least one. *out is set with
 * FRAME_SCAN and, its `unended`, with FRAME_TOO_LONG. CR and LF in front of a frame are FRAME_EMPTY
 * whatever the terminator: a scanner set to CRLF works where CR was configured. */
enum frame_result scan_frame(const struct scanner_params *p, const uint8_t *data, size_t n,
                             bool idle, struct frame_scan *out, size_t *drop);

/* Drop up to and with the next terminator. false: none in data[0..n); go on with the next bytes. */
bool scan_frame_skip(const struct scanner_params *p, const uint8_t *data, size_t n, size_t *drop);

/* The value as UTF-8 with NUL into out: as it is when it is UTF-8, else read as Latin-1 (wallet
 * codes). Its length, or 0 when it does not fit. */
size_t scan_frame_text(const struct frame_scan *scan, char *out, size_t size);

/* The word for a refusal ("too_long"); NULL for the other results. */
const char *scan_frame_reason(enum frame_result result);

struct scanner;
/* Opens at once if it can, else keeps trying; reports by ops->device, also before it returns. *ops
 * is copied. NULL: out of memory. */
struct scanner *scanner_new(struct event_base *base, const struct scanner_params *params,
                            const struct clock *clock, struct counters *counters,
                            const struct capture_ops *ops);
void scanner_free(struct scanner *s); /* NULL is allowed; reports nothing */
bool scanner_is_up(const struct scanner *s);
const struct scanner_params *scanner_params(const struct scanner *s);

#endif
