#include "base/text.h"
#include "event/member.h"
#include "identity/consent_json.h"
#include "identity/json_part.h"

static void put_covers(struct buf *out, const struct consent_choice *c)
{
	char text[EVENT_ID_SIZE];

	member_key(out, "covers");
	buf_byte(out, '[');
	for (size_t i = 0; i < c->cover_count; i++) {
		text_b64(c->covers[i].byte, sizeof c->covers[i].byte, text);
		member_next(out);
		buf_printf(out, "\"%s\"", text);
	}
	buf_byte(out, ']');
}

void consent_json_write(struct buf *out, const struct consent_choice *c)
{
	member_next(out);
	buf_byte(out, '{');
	if (!ref_none(&c->address))
		json_part_put_ref(out, "address", &c->address);
	json_part_put_at(out, c->from_us, c->to_us);
	member_text(out, "channel", consent_channel_name(c->channel));
	if (c->cover_count)
		put_covers(out, c);
	json_part_put_ref(out, "id", &c->id);
	if (c->language)
		member_text(out, "language", c->language);
	member_text(out, "method", consent_method_name(c->method));
	member_text(out, "purpose", consent_purpose_name(c->purpose));
	if (c->has_text && c->text_version)
		member_text(out, "text", c->text_version);
	if (!ref_none(&c->unit))
		json_part_put_ref(out, "unit", &c->unit);
	member_text(out, "value", consent_value_name(c->value));
	buf_byte(out, '}');
}

void consent_json_properties(struct buf *out, const struct consent_choice *c,
                             const struct consent_said *said)
{
	bool addressed = !ref_none(&c->address);

	buf_byte(out, '{');
	member_text(out, "channel", consent_channel_name(c->channel));
	json_part_put_ref(out, "choice_id", &c->id);
	json_part_put_time(out, "chosen_from", c->from_us, false);
	json_part_put_time(out, "chosen_to", c->to_us, true);
	if (addressed)
		json_part_put_ref(out, "ident_ref", &c->address);
	member_text(out, "language", c->language ? c->language : "");
	member_text(out, "method", consent_method_name(c->method));
	if (said->profile_ref)
		member_text(out, "profile_ref", said->profile_ref);
	member_text(out, "proof_ref", said->proof_ref);
	member_text(out, "purpose", consent_purpose_name(c->purpose));
	member_text(out, "scope", addressed ? "address" : "person");
	member_text(out, "text_version", c->has_text && c->text_version ? c->text_version : "");
	member_text(out, "value", consent_value_name(c->value));
	buf_byte(out, '}');
}

void consent_json_sealed(struct buf *out, const struct consent_choice *c,
                         const struct consent_said *said)
{
	buf_byte(out, '{');
	put_covers(out, c);
	if (!ref_none(&c->unit))
		json_part_put_ref(out, "unit", &c->unit);
	if (said->value)
		member_text(out, "value", said->value);
	buf_byte(out, '}');
}
