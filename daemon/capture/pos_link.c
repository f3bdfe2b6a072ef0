#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/log.h"
#include "capture/pos_internal.h"

#define HELLO_MS 5000     /* a connection that says nothing holds one of 256 places */
#define ENDING_MS 2000    /* for the last answer to be read */
#define WAIT_MS 10        /* the journal's queue is full, or the box is starting: ask again */
#define LINES_PER_TURN 32 /* so that one till cannot hold up scanners and other tills */

static void arm(struct event *ev, int ms)
{
	struct timeval tv = {.tv_sec = ms / 1000, .tv_usec = (ms % 1000) * 1000};
	(void)event_add(ev, &tv);
}

/* ---- ending ---- */

static void leave(struct pos_link *link)
{
	struct pos *p = link->pos;
	if (link->state != POS_LINK_UP)
		return;
	link->state = POS_LINK_ENDING;
	log_info("till %s (lane %s): connection ended", link->till, link->lane);
	p->ops.till_link(p->ops.ctx, link->id, link->till, link->lane, false);
}

/* A bufferevent keeps others from taking bytes out of its output: hence the unfreeze. */
static void write_what_fits(struct pos_link *link)
{
	struct evbuffer *out = bufferevent_get_output(link->bev);
	(void)evbuffer_unfreeze(out, 1);
	(void)evbuffer_write(out, bufferevent_getfd(link->bev));
}

void pos_link_free(struct pos_link *link, bool report)
{
	struct pos *p = link->pos;
	if (report)
		leave(link);
	else if (!link->doomed)
		write_what_fits(link);
	p->links[link->slot] = NULL;
	p->link_count--;
	bufferevent_free(link->bev);
	event_free(link->deadline);
	event_free(link->again);
	free(link);
}

static void half_close(struct pos_link *link)
{
	(void)shutdown(bufferevent_getfd(link->bev), SHUT_WR);
}

/* What the peer still sends is read and thrown away, or the kernel would reset the connection and
 * with it the last answer. */
void pos_link_end(struct pos_link *link)
{
	struct evbuffer *in = bufferevent_get_input(link->bev);
	leave(link);
	link->state = POS_LINK_ENDING;
	(void)evbuffer_drain(in, evbuffer_get_length(in));
	(void)event_del(link->again);
	arm(link->deadline, ENDING_MS);
	if (evbuffer_get_length(bufferevent_get_output(link->bev)) == 0)
		half_close(link);
}

void pos_link_stop(struct pos_link *link)
{
	(void)bufferevent_disable(link->bev, EV_READ);
	(void)event_del(link->again);
	link->waiting = true;
}

/* ---- lines out of the input ---- */

/* Where the next newline is, or -1. Searches each byte once. */
static ssize_t find_newline(struct pos_link *link, struct evbuffer *in)
{
	size_t len = evbuffer_get_length(in);
	struct evbuffer_ptr from;
	if (link->searched >= len ||
	    evbuffer_ptr_set(in, &from, link->searched, EVBUFFER_PTR_SET) < 0)
		return -1;
	struct evbuffer_ptr at = evbuffer_search(in, "\n", 1, &from);
	link->searched = at.pos < 0 ? len : (size_t)at.pos;
	return at.pos;
}

/* The input holds no whole line. */
static void no_line(struct pos_link *link, struct evbuffer *in)
{
	if (evbuffer_get_length(in) >= TILL_LINE_MAX) {
		counter_add(link->pos->counters, COUNTER_POS_MESSAGES, 1);
		pos_line_refuse(link, NULL, "too_long", "",
		                "a line has at most 262144 bytes, newline included");
		pos_link_end(link);
	} else if (link->eof) {
		pos_link_free(link, true);
	}
}

/* The till's word is complete when nothing that it sent is left unread, here or in the kernel. */
static void say_word(struct pos_link *link)
{
	struct pos *p = link->pos;
	int unread = 0;
	if (!link->word || link->state != POS_LINK_UP ||
	    evbuffer_get_length(bufferevent_get_input(link->bev)) > 0 ||
	    (ioctl(bufferevent_getfd(link->bev), FIONREAD, &unread) == 0 && unread > 0))
		return;
	link->word = false;
	p->ops.till_word(p->ops.ctx, link->id);
}

/* Not now: what comes is left with the sender. A hello that waits was in time; that its till hangs
 * up meanwhile is still to be seen, so it is read on, up to the watermark. */
static void wait_a_moment(struct pos_link *link)
{
	link->waiting = true;
	if (link->state == POS_LINK_NEW)
		(void)event_del(link->deadline);
	else
		(void)bufferevent_disable(link->bev, EV_READ);
	arm(link->again, WAIT_MS);
}

static void pump(struct pos_link *link)
{
	struct evbuffer *in = bufferevent_get_input(link->bev);
	for (int i = 0; i < LINES_PER_TURN; i++) {
		if (link->doomed || link->state == POS_LINK_ENDING)
			return;
		ssize_t n = find_newline(link, in);
		if (n < 0) {
			say_word(link);
			no_line(link, in);
			return;
		}
		const char *raw = (const char *)evbuffer_pullup(in, n + 1);
		if (raw == NULL) {
			pos_link_end(link);
			return;
		}
		if (pos_line_take(link, raw, (size_t)n) == CAPTURE_WAIT) {
			wait_a_moment(link);
			return;
		}
		if (link->state == POS_LINK_ENDING)
			return;
		(void)evbuffer_drain(in, (size_t)n + 1);
		link->searched = 0;
	}
	arm(link->again, 0);
}

/* ---- events ---- */

static void on_read(struct bufferevent *bev, void *arg)
{
	struct pos_link *link = arg;
	struct evbuffer *in = bufferevent_get_input(bev);
	if (link->state == POS_LINK_ENDING)
		(void)evbuffer_drain(in, evbuffer_get_length(in));
	else if (!link->waiting)
		pump(link);
}

static void on_written(struct bufferevent *bev, void *arg)
{
	(void)bev;
	struct pos_link *link = arg;
	if (link->state == POS_LINK_ENDING)
		half_close(link);
}

/* It said nothing but a hello that is not answered yet. */
static bool only_greeted(struct pos_link *link)
{
	struct evbuffer *in = bufferevent_get_input(link->bev);
	struct evbuffer_ptr at = evbuffer_search(in, "\n", 1, NULL);
	return link->state == POS_LINK_NEW && link->waiting &&
	       (size_t)at.pos + 1 == evbuffer_get_length(in);
}

/* Lines that came in front of the end are still taken. */
static void on_event(struct bufferevent *bev, short what, void *arg)
{
	(void)bev;
	struct pos_link *link = arg;
	link->eof = true;
	if (link->state == POS_LINK_ENDING || !(what & BEV_EVENT_EOF) || only_greeted(link))
		pos_link_free(link, true);
	else if (!link->waiting && !evtimer_pending(link->again, NULL))
		pump(link);
}

static void on_again(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	struct pos_link *link = arg;
	if (link->doomed) {
		pos_link_free(link, true);
		return;
	}
	if (link->waiting && !link->eof)
		(void)bufferevent_enable(link->bev, EV_READ);
	link->waiting = false;
	pump(link);
}

static void on_deadline(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	pos_link_free(arg, true);
}

void pos_link_send(struct pos_link *link, const char *json, size_t len)
{
	if (link->doomed || link->state == POS_LINK_ENDING)
		return;
	struct evbuffer *out = bufferevent_get_output(link->bev);
	if (evbuffer_get_length(out) + len + 1 > POS_OUTPUT_BYTES_MAX) {
		log_warn("till %s (lane %s): does not read its answers; cut off", link->till,
		         link->lane);
		link->doomed = true;
		arm(link->again, 0);
		return;
	}
	(void)bufferevent_write(link->bev, json, len);
	(void)bufferevent_write(link->bev, "\n", 1);
}

struct pos_link *pos_link_new(struct pos *p, int fd, const struct pos_address *from, int slot)
{
	struct pos_link *link = calloc(1, sizeof(*link));
	struct bufferevent *bev = bufferevent_socket_new(p->base, fd, BEV_OPT_CLOSE_ON_FREE);
	if (link == NULL || bev == NULL)
		goto err_close;
	link->pos = p;
	link->id = ++p->serial * (uint64_t)p->link_max + (uint64_t)slot;
	link->slot = slot;
	link->bev = bev;
	link->from = *from;
	link->deadline = evtimer_new(p->base, on_deadline, link);
	link->again = evtimer_new(p->base, on_again, link);
	if (link->deadline == NULL || link->again == NULL)
		goto err_free_events;
	bufferevent_setcb(bev, on_read, on_written, on_event, link);
	bufferevent_setwatermark(bev, EV_READ, 0, TILL_LINE_MAX);
	if (bufferevent_enable(bev, EV_READ | EV_WRITE) < 0)
		goto err_free_events;
	arm(link->deadline, HELLO_MS);
	return link;

err_free_events:
	if (link->deadline != NULL)
		event_free(link->deadline);
	if (link->again != NULL)
		event_free(link->again);
err_close:
	if (bev != NULL)
		bufferevent_free(bev);
	else
		(void)close(fd);
	free(link);
	return NULL;
}
