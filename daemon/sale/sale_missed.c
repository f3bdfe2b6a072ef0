/* A scan that named nobody, or a staff card that is nobody's, while HQ may know more. */
#include <string.h>

#include "sale/sale_internal.h"

void sale_missed_note(const struct act *act, const struct scanned *id)
{
	struct missed *m = &act->lane->missed;
	*m = (struct missed){
	    .on = true, .id = *id, .mono_us = act->now->mono_us, .wall_us = act->now->wall_us};
	text_copy(m->source, sizeof m->source, act->source);
	if (act->basket)
		memcpy(m->basket_id, act->basket->place.basket_id, sizeof m->basket_id);
}

bool sale_missed(struct sale *s, const char *name, struct sale_early *out)
{
	const struct lane *lane = sale_lane(s, name);
	const struct missed *m = lane ? &lane->missed : NULL;
	const struct basket *front = lane ? sale_front(s, lane) : NULL;
	if (!m || !m->on || strcmp(m->basket_id, front ? front->place.basket_id : "") != 0)
		return false;
	*out =
	    (struct sale_early){.kind = m->id.kind, .mono_us = m->mono_us, .wall_us = m->wall_us};
	out->asked = true;
	out->staff = sale_staff_card(&m->id, OUTCOME_STAFF);
	memcpy(out->lane, lane->name, sizeof out->lane);
	memcpy(out->source, m->source, sizeof out->source);
	memcpy(out->method, m->id.method, sizeof out->method);
	memcpy(out->symbology, m->id.symbology, sizeof out->symbology);
	memcpy(out->basket_id, m->basket_id, sizeof out->basket_id);
	memcpy(out->value, m->id.value, sizeof out->value);
	return true;
}

void sale_asking(struct sale *s, const char *name, const struct sale_now *now, int64_t asking_us)
{
	struct lane *lane = sale_lane(s, name);
	if (!lane || lane->presented != PERSON_UNKNOWN)
		return;
	lane->asking_until_us = now->mono_us + asking_us;
	sale_touch(lane);
}
