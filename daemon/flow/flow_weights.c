/* Which weights suggestions are scored by: HQ's, learned from the chain's own records, or, until it
 * was heard, the built-in ones. */
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "base/text.h"
#include "event/member.h"
#include "flow/flow_hint.h"

/* false (logged): those in use stay. */
static bool use(struct flow *f, const struct buf *text)
{
	char err[256];
	struct score_model *m = NULL;

	snprintf(err, sizeof err, "weights of %zu bytes, expected at most %d", text->len,
	         SCORE_TOLD_BYTES_MAX);
	if (text->len <= SCORE_TOLD_BYTES_MAX)
		m = score_model_read((const char *)text->data, text->len, err, sizeof err);
	if (!m) {
		log_error("suggestions: %s; the weights in use stay", err);
		return false;
	}
	text_copy(f->weights_made, sizeof f->weights_made, score_model_made(m));
	log_info("suggestions go by weights %s of %s", score_model_version(m), f->weights_made);
	flow_hint_weigh(f, m);
	return true;
}

void flow_weights_stand(struct flow *f)
{
	if (f->sync && f->stage != FLOW_STARTING)
		sync_weights_stand(f->sync, f->weights_made);
}

void flow_weights_begin(struct flow *f, const struct buf *mark)
{
	if (mark->len && !f->hq_weights.len) { /* HQ was not quicker */
		buf_add(&f->hq_weights, mark->data, mark->len);
		if (f->hq_weights.failed || !use(f, &f->hq_weights))
			buf_free(&f->hq_weights); /* HQ tells them again */
	}
	flow_weights_stand(f);
}

/* They are no secret: shares, and hashes of names that many have. Without the mark a start without
 * HQ goes by the built-in ones. */
static void changed(struct flow *f)
{
	struct buf p = {0};
	struct entry *e = NULL;

	buf_byte(&p, '{');
	member_text(&p, "author", "HQ");
	member_text(&p, "reason", "weights for suggestions");
	member_text(&p, "version", f->weights_made);
	buf_add(&p, "}", 2); /* with its NUL */
	if (!p.failed)
		e = flow_box_entry(f, EVENT_CONFIGURATION_CHANGED, NULL, (char *)p.data);
	if (e && entry_mark(e, FLOW_MARK_WEIGHTS, f->hq_weights.data, f->hq_weights.len) < 0)
		log_error("HQ's weights are in use, but not kept for a restart without HQ");
	if (e)
		flow_put(f, e);
	buf_free(&p);
}

void flow_weights_heard(struct flow *f)
{
	struct buf heard = {0};

	if (f->stage != FLOW_READY || !f->sync || !sync_weights(f->sync, &heard))
		return;
	bool same = heard.len == f->hq_weights.len &&
	            memcmp(heard.data, f->hq_weights.data, heard.len) == 0;
	if (!heard.len || same || !use(f, &heard)) {
		buf_free(&heard);
		return;
	}
	buf_free(&f->hq_weights);
	f->hq_weights = heard;
	changed(f);
	flow_weights_stand(f);
}
