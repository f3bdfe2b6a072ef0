#include "serve/ui.h"

#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

/* The assembler reads the files: no generator, and nothing generated in the tree. */
#define EMBED(symbol, file)                                                                        \
	__asm__(".section .rodata\n"                                                               \
	        "ui_" #symbol ":\n.incbin \"daemon/serve/ui/" file "\"\n"                          \
	        "ui_" #symbol "_end:\n.byte 0\n.previous\n");                                      \
	extern const char ui_##symbol[] __asm__("ui_" #symbol)                                     \
	    __attribute__((visibility("hidden")));                                                 \
	extern const char ui_##symbol##_end[] __asm__("ui_" #symbol "_end")                        \
	    __attribute__((visibility("hidden")))

EMBED(correct_css, "correct.css");
EMBED(correct_js, "correct.js");
EMBED(details_css, "details.css");
EMBED(details_js, "details.js");
EMBED(enrol_css, "enrol.css");
EMBED(enrol_js, "enrol.js");
EMBED(find_js, "find.js");
EMBED(lane_html, "lane.html");
EMBED(lane_css, "lane.css");
EMBED(lane_js, "lane.js");
EMBED(lane_svg, "lane.svg");
EMBED(notes_js, "notes.js");
EMBED(post_js, "post.js");

static const struct embedded {
	const char *name, *type, *data, *end;
} files[] = {
    {"correct.css", "text/css; charset=utf-8", ui_correct_css, ui_correct_css_end},
    {"correct.js", "text/javascript; charset=utf-8", ui_correct_js, ui_correct_js_end},
    {"details.css", "text/css; charset=utf-8", ui_details_css, ui_details_css_end},
    {"details.js", "text/javascript; charset=utf-8", ui_details_js, ui_details_js_end},
    {"enrol.css", "text/css; charset=utf-8", ui_enrol_css, ui_enrol_css_end},
    {"enrol.js", "text/javascript; charset=utf-8", ui_enrol_js, ui_enrol_js_end},
    {"find.js", "text/javascript; charset=utf-8", ui_find_js, ui_find_js_end},
    {"lane.html", "text/html; charset=utf-8", ui_lane_html, ui_lane_html_end},
    {"lane.css", "text/css; charset=utf-8", ui_lane_css, ui_lane_css_end},
    {"lane.js", "text/javascript; charset=utf-8", ui_lane_js, ui_lane_js_end},
    {"lane.svg", "image/svg+xml", ui_lane_svg, ui_lane_svg_end},
    {"notes.js", "text/javascript; charset=utf-8", ui_notes_js, ui_notes_js_end},
    {"post.js", "text/javascript; charset=utf-8", ui_post_js, ui_post_js_end},
};

/* FNV-1a: tells our own releases apart, guards nothing. */
static uint64_t digest(const char *p, const char *end)
{
	uint64_t h = 14695981039346656037u;

	for (; p < end; p++)
		h = (h ^ (uint8_t)*p) * 1099511628211u;
	return h;
}

bool ui_find(const char *name, struct ui_file *out)
{
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		const struct embedded *f = &files[i];
		if (strcmp(f->name, name) != 0)
			continue;
		out->type = f->type;
		out->data = f->data;
		out->len = (size_t)(f->end - f->data);
		snprintf(out->tag, sizeof(out->tag), "\"%016" PRIx64 "\"", digest(f->data, f->end));
		return true;
	}
	return false;
}
