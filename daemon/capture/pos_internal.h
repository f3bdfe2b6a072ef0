/* What pos.c (listener, limits, answers), pos_link.c (one connection) and pos_line.c (one line)
 * share. */
#ifndef LANEWAY_CAPTURE_POS_INTERNAL_H
#define LANEWAY_CAPTURE_POS_INTERNAL_H

#include <netinet/in.h>

#include "base/buf.h"
#include "capture/pos.h"

#define POS_TOKEN_SIZE 129
#define POS_OUTPUT_BYTES_MAX (1024 * 1024) /* a till that does not read is cut off here */

struct bufferevent;
struct event;
struct pos_link;

struct pos {
	struct event_base *base;
	const struct clock *clock;
	struct counters *counters;
	struct capture_ops ops;
	char token[POS_TOKEN_SIZE], store[EVENT_STORE_SIZE];
	char (*lanes)[EVENT_NAME_SIZE];
	int lane_count, digits;
	int fd, port; /* fd -1: stopped */
	struct event *acceptable, *pause;
	struct pos_link **links; /* link_max slots, NULL: free */
	int link_max, link_count;
	uint64_t serial; /* id of a link = serial * link_max + slot: found at once, never reused */
	int64_t warned_us;    /* when a refused connection was last logged */
	struct buf out, list; /* scratch for answers; list: a till's baskets */
};

/* Where a connection comes from: IPv4 as ::ffff:a.b.c.d. */
struct pos_address {
	struct in6_addr ip;
	bool loopback;
};

enum pos_link_state {
	POS_LINK_NEW, /* no hello yet */
	POS_LINK_UP,
	POS_LINK_ENDING, /* its last answer is on the way; what it still says is thrown away */
};

/* Invariant: only the loop frees a link, by pos_link_free from its own events or pos_free; pos_send
 * just marks it doomed. */
struct pos_link {
	struct pos *pos;
	uint64_t id;
	int slot;
	struct bufferevent *bev;
	struct event *deadline; /* hello, or the end of an ending link */
	struct event *again;    /* go on with lines that wait in the input */
	enum pos_link_state state;
	bool doomed, eof, waiting;
	bool word;       /* it has sent what was not answered; to be said when all of it is taken */
	size_t searched; /* bytes of the input known to hold no newline */
	struct pos_address from;
	char till[EVENT_NAME_SIZE], lane[EVENT_NAME_SIZE], source[EVENT_NAME_SIZE];
};

/* Takes fd over, also when it fails. NULL: out of memory. The caller enters it into links. */
struct pos_link *pos_link_new(struct pos *p, int fd, const struct pos_address *from, int slot);
/* Ends it at once; a till that was up is reported down when `report`. */
void pos_link_free(struct pos_link *link, bool report);
void pos_link_send(struct pos_link *link, const char *json, size_t len);
/* Read no more from it. */
void pos_link_stop(struct pos_link *link);

/* Let its last answer arrive, then end it; a till that was up is reported down. */
void pos_link_end(struct pos_link *link);

/* Take one line (without its newline): hello, a message for flow, or an error. CAPTURE_WAIT:
 * nothing was done, ask again. The link may be ending afterwards, never freed. */
enum capture_verdict pos_line_take(struct pos_link *link, const char *raw, size_t len);
/* Answer with an error; the id is taken from body (NULL: there is none). */
void pos_line_refuse(struct pos_link *link, const struct json_t *body, const char *code,
                     const char *field, const char *message);
/* One line as it came: UTF-8, JSON, an object, of the table's shape. 0 with *body (to be released
 * by json_decref) and *type, or -1 with *fault; *body is NULL when it could not be read, *type as
 * pos_check. */
int pos_line_read(const char *raw, size_t len, int digits, struct json_t **body,
                  enum till_type *type, struct pos_fault *fault);

void pos_address_of(const struct sockaddr_storage *from, struct pos_address *out);
/* May one more connection from there be served? */
bool pos_has_room(const struct pos *p, const struct pos_address *from);
/* True at most once a second: what a stranger can cause is not logged more often. */
bool pos_may_warn(struct pos *p);
/* The live link of a till that is up, or NULL. */
struct pos_link *pos_find_till(const struct pos *p, const char *till);
bool pos_knows_lane(const struct pos *p, const char *lane);
bool pos_token_right(const struct pos *p, const char *token);

#endif
