/* A serial scanner: bytes from a port become scans.
 *
 * scan_frame is a pure function over a buffer (Klipper's shape): frame found, need more, or garbage, and
 * how many bytes to drop. The scanner object adds the port, the timers (inter-byte 50 ms) and re-opening
 * with back-off (0.25 s doubling to 10 s).
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
	int length_min, length_max; /* of the value: 1 to CAPTURE_SCAN_MAX */
	int guard_ms;    /* the same value again within this time is one scan: 0 to 5000 */
};

enum frame_result { FRAME_NEED_MORE, FRAME_SCAN, FRAME_TOO_LONG, FRAME_TOO_SHORT, FRAME_BAD };

struct frame_scan {
	const char *value; /* into the buffer; not NUL-terminated */
	size_t len;
	char symbology[4]; /* "]E0", or empty */
};

/* Look at data[0..n). idle: nothing more came for 50 ms, so what is there is over. *drop: bytes to
 * consume. FRAME_NEED_MORE drops nothing. */
enum frame_result scan_frame(const struct scanner_params *p, const uint8_t *data, size_t n, bool idle,
                             struct frame_scan *out, size_t *drop);

struct scanner;
/* Opens at once if it can, else keeps trying; reports by ops->device. NULL: out of memory. */
struct scanner *scanner_new(struct event_base *base, const struct scanner_params *params,
                            const struct clock *clock, struct counters *counters,
                            const struct capture_ops *ops);
void scanner_free(struct scanner *s);
bool scanner_is_up(const struct scanner *s);
const struct scanner_params *scanner_params(const struct scanner *s);

#endif
