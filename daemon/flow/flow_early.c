/* The start: scans that come before the baskets are back, and what happens when they are. */
#include "flow/flow_hint.h"

#include <event2/event.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/text.h"
#include "base/version.h"

enum flow_stage flow_stage(const struct flow *f)
{
	return f->stage;
}

/* ---- scans of the start ---- */

int flow_early_scan(struct flow *f, const struct capture_scan *scan)
{
	struct answer a;
	struct sale_now now;
	struct entry *e = entry_new();
	uint64_t lost = sale_early_lost(f->sale);

	flow_now(f, &now);
	now.mono_us = scan->mono_us;
	now.wall_us = scan->wall_us;
	flow_resolve_scan(f, scan, &a);
	if (f->stage == FLOW_STARTING && a.reason == IDENT_OK)
		a.outcome = OUTCOME_HELD;
	if (!e || sale_early(f->sale, e, &now, scan->lane, scan->source, "scan", scan->symbology,
	                     &a) < 0) {
		entry_free(e);
		return -1;
	}
	e->tag = FLOW_TAG_SCAN;
	flow_count_refused(f, &a);
	if (sale_early_lost(f->sale) != lost)
		log_warn("%s: a scan is kept, but tied to nobody: %d wait already", scan->source,
		         SALE_EARLY_MAX);
	flow_publish(f);
	bool put = flow_put(f, e);
	flow_publish(f);
	flow_tick(f);
	return put ? 0 : -1;
}

/* ---- the box is back ---- */

/* A new boot without an orderly stop: the power, or what is like it (a reset, a kernel that
 * stopped). */
const char *flow_cause(const struct flow_before *before, const char *boot, bool clean)
{
	if (!before->any)
		return "new";
	if (!clean)
		return strcmp(before->boot, boot) == 0 ? "crash" : "power";
	return before->version[0] && strcmp(before->version, version_text()) != 0 ? "upgrade"
	                                                                          : "restart";
}

static void box_started(struct flow *f, const struct sale_start *start, bool clean, int restored)
{
	char properties[256], mark[256];
	struct buf clock = {0};
	struct entry *e;

	snprintf(properties, sizeof properties,
	         "{\"boot\":\"%s\",\"cause\":\"%s\",\"clean\":%s,\"restored_baskets\":%d,"
	         "\"version\":\"%s\"}",
	         start->boot, start->cause, clean ? "true" : "false", restored, version_text());
	snprintf(mark, sizeof mark, "%s%s", start->boot, version_text());
	buf_str(&clock, start->boot);
	buf_be64(&clock, (uint64_t)f->guard_base_us);
	e = flow_box_entry(f, EVENT_BOX_STARTED, NULL, properties);
	if (e && !clock.failed && entry_mark(e, FLOW_MARK_STARTED, mark, strlen(mark)) == 0 &&
	    entry_mark(e, FLOW_MARK_CLOCK, clock.data, clock.len) == 0)
		flow_put(f, e);
	else
		entry_free(e);
	buf_free(&clock);
}

static void resolve_scanned(void *ctx, enum ident_kind kind, const char *value, struct answer *out)
{
	const struct ident_given given = {.kind = kind, .scanned = true, .value = value};

	flow_resolve(ctx, NULL, &given, out);
}

static void take_overlay(struct flow *f, const struct flow_names *names)
{
	struct overlay_state o;

	f->overlay = names->overlay;
	f->overlay_failed = !names->overlay || !names->overlay_whole;
	if (!f->overlay)
		return;
	overlay_rules(f->overlay, &f->table, &f->trust);
	overlay_state(f->overlay, &o);
	if (o.events)
		log_info("%zu changes to %zu customers wait for HQ", o.events, o.persons);
}

static void take_baskets(struct flow *f, const struct flow_names *names)
{
	struct sale *sale = names->sale;
	struct journal_state j;
	struct sale_now now;
	struct sale_start start;
	char boot[CLOCK_BOOT_ID_SIZE];
	struct entry *e = entry_new();

	journal_state(f->p.journal, &j);
	clock_boot_id(boot);
	flow_now(f, &now);
	start =
	    (struct sale_start){.boot = boot, .cause = flow_cause(&names->before, boot, j.clean)};
	f->shard = names->shard;
	take_overlay(f, names);
	int restored = e ? sale_replayed(sale, e, &now, &start) : -1;
	sale_early_take(sale, f->sale, &now, resolve_scanned, f);
	sale_free(f->sale);
	f->sale = sale;
	if (restored < 0)
		log_error("the start: out of memory; not everything that ended is told");
	f->stage = FLOW_NAMES;
	/* From here on a rebuild need not look at what lies before, but for what is open. */
	if (!f->kept.seq) {
		memcpy(f->kept.epoch, j.epoch, sizeof f->kept.epoch);
		f->kept.seq = 1;
	}
	f->kept_unmarked = FLOW_MARK_EVERY;
	flow_rules_begin(f, flow_rebuild_rules(f->rebuild));
	flow_hq_kept_begin(f, flow_rebuild_kept(f->rebuild));
	flow_weights_begin(f, flow_rebuild_weights(f->rebuild));
	flow_guard_age_begin(f, &names->before, boot);
	flow_guard_begin(f, flow_rebuild_guards(f->rebuild));
	sale_idents(f->sale, flow_guard_known, f);
	flow_lookup_begin(f, flow_rebuild_lookups(f->rebuild));
	flow_word_begin(f, flow_rebuild_tills(f->rebuild));
	flow_word_serving_begin(f, flow_rebuild_serving(f->rebuild));
	if (e)
		flow_put(f, e);
	log_info("started: %s, %d open baskets, after %d ms", start.cause,
	         restored < 0 ? 0 : restored, (int)((now.mono_us - f->started_mono_us) / 1000));
	box_started(f, &start, j.clean, restored < 0 ? 0 : restored);
	flow_word_settle(f);
	flow_hint_due(f);
	flow_publish(f);
	flow_publish_all(f);
	flow_tick(f);
}

static void take_window(struct flow *f, struct window *window, struct journal_reader *reader)
{
	struct sale_now now;
	char err[256] = "the journal cannot be read";

	flow_now(f, &now);
	f->window = window;
	f->reader = reader;
	window_expire(f->window, flow_age_us(f));
	f->day = reader ? flow_day_new(f, reader, err, sizeof err) : NULL;
	if (!f->day)
		log_error("ALARM: days are not closed in this run: %s", err);
	f->recall = flow_recall_new(f);
	if (!f->recall)
		log_error("messages that come back with a damaged journal are not known before "
		          "the next start: out of memory");
	sale_tills_heard(f->sale, &now);
	flow_word_heard(f, now.mono_us);
	f->stage = FLOW_READY;
	log_info("tills are heard: %zu message ids, after %d ms", window_len(f->window),
	         (int)((now.mono_us - f->started_mono_us) / 1000));
	flow_rebuild_free(f->rebuild);
	f->rebuild = NULL;
	event_free(f->rebuild_event);
	f->rebuild_event = NULL;
	flow_tick(f);
	if (f->day)
		flow_day_tick(f->day);
}

void flow_rebuilt(struct flow *f)
{
	struct flow_names names;
	struct window *window;
	struct journal_reader *reader;

	if (flow_rebuild_baskets(f->rebuild, &names))
		take_baskets(f, &names);
	if (flow_rebuild_window(f->rebuild, &window, &reader))
		take_window(f, window, reader);
}

static void on_rebuilt(evutil_socket_t fd, short what, void *ctx)
{
	uint64_t n;

	(void)what;
	if (read(fd, &n, sizeof n) == (ssize_t)sizeof n)
		flow_rebuilt(ctx);
}

int flow_begin(struct flow *f, char *err, size_t err_size)
{
	struct journal_state j;
	struct flow_rebuild_params params = {
	    .conf = f->conf,
	    .vault = f->p.vault,
	    .gate = f->p.gate,
	    .rules = &f->rules,
	    .table = &f->table,
	    .trust = &f->trust,
	    .window_age_us = FLOW_RESEND_WINDOW_US,
	    .now_us = flow_age_us(f),
	    .window_ids_max = FLOW_RESEND_IDS_MAX,
	    .done = f->p.read_back,
	};

	journal_state(f->p.journal, &j);
	memcpy(params.epoch, j.epoch, sizeof params.epoch);
	f->rebuild = flow_rebuild_start(&params, err, err_size);
	if (!f->rebuild)
		return -1;
	f->rebuild_event =
	    event_new(f->p.base, flow_rebuild_fd(f->rebuild), EV_READ | EV_PERSIST, on_rebuilt, f);
	snprintf(err, err_size, "out of memory");
	return f->rebuild_event && event_add(f->rebuild_event, NULL) == 0 ? 0 : -1;
}
