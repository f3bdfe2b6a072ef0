/* Trusted points of this boot: looked for once a second, journaled as `Clock Repaired`, the newest
 * remembered with its entry for the next start. */
#include "flow/flow_internal.h"

#include <event2/event.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "base/text.h"

#define LOOK_S 1 /* a clock that was set under us is seen by then, also when nothing is scanned */
#define MARK "trusted"
#define MARK_VERSION 1
#define MARK_BYTES (1 + 16 + 1 + 4 * 8)

/* WIRE.md, "journal.db": the mark `trusted`. */
static void mark_bytes(const struct clock_news *news, struct buf *out)
{
	char boot[CLOCK_BOOT_ID_SIZE];
	uint8_t id[16] = {0};

	clock_boot_id(boot);
	text_unhex(boot, id, sizeof id);
	buf_byte(out, MARK_VERSION);
	buf_add(out, id, sizeof id);
	buf_byte(out, (uint8_t)news->point.source);
	buf_be64(out, (uint64_t)news->point.mono_us);
	buf_be64(out, (uint64_t)news->point.wall_us);
	buf_be64(out, (uint64_t)news->point.error_us);
	buf_be64(out, (uint64_t)news->floor_us);
}

static int64_t be64(const uint8_t *p)
{
	uint64_t v = 0;

	for (int i = 0; i < 8; i++)
		v = v << 8 | p[i];
	return (int64_t)v;
}

bool flow_clock_past(const uint8_t *mark, size_t len, const char *boot, struct clock_past *out)
{
	uint8_t id[16];
	const uint8_t *at = mark + 1 + sizeof id;

	memset(out, 0, sizeof *out);
	if (len != MARK_BYTES || mark[0] != MARK_VERSION || *at > CLOCK_HQ)
		return false;
	*out = (struct clock_past){
	    .point = {.source = (enum clock_trust) * at,
	              .mono_us = be64(at + 1),
	              .wall_us = be64(at + 9),
	              .error_us = be64(at + 17)},
	    .floor_us = be64(at + 25),
	    .same_boot = text_unhex(boot, id, sizeof id) && memcmp(id, mark + 1, sizeof id) == 0,
	};
	return true;
}

void flow_clock_recall(struct clock_keep *keep, const char *journal, const char *store,
                       const struct vault *vault)
{
	char err[256], boot[CLOCK_BOOT_ID_SIZE];
	struct journal_reader *reader;
	struct clock_past past;
	struct buf mark = {0};

	if (journal_reader_open(&reader, journal, store, vault, err, sizeof err) != 0)
		return;
	clock_boot_id(boot);
	if (journal_reader_mark(reader, MARK, &mark) == 0 &&
	    flow_clock_past(mark.data, mark.len, boot, &past))
		clock_keep_recall(keep, &past);
	journal_reader_free(reader);
	buf_free(&mark);
}

/* Journal this point. false: the journal takes nothing now. */
static bool put_point(struct flow *f, const struct clock_news *news)
{
	char properties[256];
	struct buf mark = {0};
	struct entry *e;
	bool put = false;

	snprintf(properties, sizeof properties,
	         "{\"error\":%" PRId64 ",\"mono_us\":%" PRId64 ",\"offset\":%" PRId64
	         ",\"reason\":\"%s\",\"source\":\"%s\",\"wall_us\":%" PRId64 "}",
	         news->point.error_us, news->point.mono_us, news->offset_us, news->reason,
	         clock_trust_name(news->point.source), news->point.wall_us);
	mark_bytes(news, &mark);
	e = flow_box_entry(f, EVENT_CLOCK_REPAIRED, NULL, properties);
	if (e && !mark.failed && entry_mark(e, MARK, mark.data, mark.len) == 0)
		put = flow_put(f, e);
	else
		entry_free(e);
	buf_free(&mark);
	return put;
}

void flow_clock_look(struct flow *f)
{
	struct clock_news news;

	if (!f->p.keep)
		return;
	clock_keep_look(f->p.keep);
	if (clock_keep_news(f->p.keep, &news) && put_point(f, &news)) {
		clock_keep_told(f->p.keep, &news);
		if (strcmp(news.reason, "hourly") != 0)
			log_info("clock: trusted by %s (%s), %+.3f s from what was said before",
			         clock_trust_name(news.point.source), news.reason,
			         (double)news.offset_us / 1e6);
	}
}

static void on_look(evutil_socket_t fd, short what, void *ctx)
{
	(void)fd;
	(void)what;
	flow_clock_look(ctx);
}

int flow_clock_start(struct flow *f)
{
	const struct timeval period = {LOOK_S, 0};

	if (!f->p.keep)
		return 0;
	flow_clock_look(f);
	f->clock_event = event_new(f->p.base, -1, EV_PERSIST, on_look, f);
	return f->clock_event && event_add(f->clock_event, &period) == 0 ? 0 : -1;
}

void flow_clock_free(struct flow *f)
{
	if (f->clock_event)
		event_free(f->clock_event);
	f->clock_event = NULL;
}
