/* Who is one person: claims and links, taken in one order, become persons.
 *
 * Persons are a pure function of units, operations and rules; nothing here remembers anything. The
 * order of the operations is canonical, not that of arrival: HQ's own by HQ's sequence, then the
 * stores' by (store, epoch order, seq, place in the event). What stands first takes the room under
 * a limit. So every order of arrival gives one result, and taking back an operation gives what
 * would have been without it.
 *
 *   unit     a customer's record that is never taken apart: a row of HQ's, an enrolment
 *   claim    a unit has an identifier
 *   link     two units are one person
 *   join     a link that the rules make by themselves, out of two claims on one identifier; its id
 *            is the two claims' ids, XORed, so it can be taken back by name like any other
 *   person   the units that live links and joins connect. It is named by the lowest HQ number
 *
 * First pass: what counts from the beginning, wherever in the order it stands.
 *
 *   What an undo names never was: not refused, not in anybody's way, no mark left behind. An undo
 *   cannot be undone (say it again, with a new id), and neither can an erasure. An undo of what is
 *   not here waits for it. Units that are erased, pairs that are kept apart and identifiers that
 *   are blocked are so for all operations, earlier ones included.
 *
 * Second pass: claims, links and shares, one after the other.
 *
 *   A claim holds unless its unit is not here or erased, its identifier is blocked, or its unit's
 *   person, as it stands then, has as many other identifiers of its kind as the rule's limit
 *   allows. (One that the person already has takes no room.) A claim that was refused stays so
 *   whatever comes later in the order: room is given by an operation that never was, not by a later
 *   one. `unique` and `stale_days` are not looked at here: they are about finding somebody.
 *
 *   A claim that holds proposes to join its person with each other person that has the identifier,
 *   in the order of their first claims that hold on it; each proposal is judged by what stands
 *   after the one before it. Of the other person's claims it takes the first verified one when
 *   this one is verified too, else the first. Joined by the rule of its kind: NEVER: no
 *   proposal. VERIFIED: both claims verified, and the two alike where the rule is not `unique`.
 *   NAMED: that, or two mere enrolments made offline that are alike or have the identifier alone.
 *
 *   Two persons are alike when both say a first name, all the same, or both a birth date, all the
 *   same: of an identifier that a household may share, proof that one can read it does not say who
 *   one is. They have it alone when no claim on it, wherever it stands, is of a unit of neither
 *   (but for undone claims and erased units): whoever gave no name is taken for the only other one
 *   who has that phone, until a third says that it is a household's.
 *
 *   Two persons are mere enrolments when no unit of either is confirmed. They were made offline
 *   when neither can have been known where the other was made: no unit of one is of the same store
 *   as a unit of the other, and from the earliest moment at which a unit of one may have been made
 *   to the latest of any of the other it is not more than guard.offline_days. Each unit of one is
 *   held against each of the other, not only the two whose claims meet: a record of last year says
 *   that everybody could have known this person. A unit without a store (a row of HQ's that
 *   nobody enrolled, or one that two stores wrote) was not made offline.
 *
 *   A join, or a link that a rule proposed (by_person is false), is refused when any unit of one
 *   side and any unit of the other conflict. Reasons, the first that fits: a company; more than
 *   FOLD_UNITS_MAX units; kept apart; both confirmed; birth dates that differ; first names that
 *   differ (of joins by a phone, of joins that are not by two verified claims of people who are
 *   alike, and of links); last names that differ (of such joins, not of a phone or of links: within
 *   days nobody marries, and where first and last name changed places a person looks); more
 *   identifiers of a kind than its limit, in both together. Then, of two mere enrolments: not made
 *   offline (if both claims are verified: not alike); not alike, nor alone. Of others: not
 * verified, before any conflict; verified and not alike, behind them. What is not known conflicts
 * with nothing. Conflicts within one side are not looked at again: a person made them one. A link
 * by a person is refused only for a company and FOLD_UNITS_MAX.
 *
 *   An identifier that is shared joins nobody. It is shared from a FOLD_SHARE on; from a NAMED
 *   join of two mere enrolments made offline on that was refused for a conflict (they have one
 *   phone and are two people); and at any moment at which more than guard.persons_max persons have
 *   it, this claim's included. Joins before that stand. One proposal is made even so, with the
 *   first other person's first claim, to say why not.
 *
 * What follows from it, and is meant:
 *
 *   - HQ's operations come before all stores', so a mark, a block or a link of HQ's meets what a
 *     store said before it by the clock, too.
 *   - To take back a join that the rules made parts the two, until another pair of claims says the
 *     same. Who must not be joined again is kept apart as well: say both.
 *   - An undo may let in what a limit, a conflict or a shared phone had kept out, and that may take
 *     the room of something later. The state is the one without what was undone, no more, no less.
 *   - A unit that is erased takes its links with it. Whom only it connected are two persons, and
 *     what it stood against may join.
 *   - What a unit says of itself (confirmed, names, birth date, where and when it was made) has no
 *     place in the order: it counts as it is now. A corrected name may part two enrolments or make
 *     them one. Who vouches for a person of several units links them, by person, in the same step.
 *   - Two enrolments with one phone that are months apart, or of one store, are two persons and a
 *     conflict: who made the second could have found the first and did not take it. Such a phone is
 *     not shared by that; a person decides, and a hint says how likely it is.
 *   - A join that goes through claims of several units is tested between all units of both sides:
 *     Anna's e-mail joined with somebody nameless keeps Bob from that one's phone.
 *
 * Which units have to be folded together: a *component*. Units are connected by claims of theirs on
 * one identifier that is not blocked, and by a link or apart that names both (an erased unit like
 * any other). Operations that are undone connect nothing, but may be taken as if they did: a larger
 * set gives the same persons, verdicts and joins, only slower. The fold of a component, with all
 * undos, blocks and shares that name something in it, is the fold of everything as seen there. What
 * an operation can change lies in the components of the units and of the holders of the identifiers
 * that it names, without it and with it (an undo: what it takes back names; a block or its undo:
 * all who claim the identifier). Nothing bounds a component but
 * blocking, or a share that stands before all claims: such an identifier joins nobody, so it need
 * not connect (only its person_count is then that of the part that is folded).
 *
 * Hard limits: FOLD_UNITS_MAX units of one person. Runs in about O(n log n) of the operations; the
 * same bytes come out on every machine.
 */
#ifndef LANEWAY_IDENTITY_FOLD_H
#define LANEWAY_IDENTITY_FOLD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "identity/ref.h"
#include "identity/rule.h"

#define FOLD_UNITS_MAX 256
#define FOLD_NAME_SIZE 65

/* Where and when a unit was made: by which store, and the time within which all of its identifiers
 * were said, those that were taken back later among them. */
struct fold_made {
	uint32_t store; /* fold_store; 0: no store's, or more than one's */
	int64_t from_us, to_us;
};
/* The number that stands for a store, the same everywhere. Empty: 0. Two stores that happen to have
 * one are taken for one: then a person decides. */
uint32_t fold_store(const char *name);
/* Another event has said identifiers of it. */
void fold_made_also(struct fold_made *made, const struct fold_made *also);

struct fold_unit {
	struct ref ref;
	uint32_t number; /* HQ's: 17 for C000017; 0: none yet, a store's own enrolment */
	bool confirmed;  /* HQ's master data or a steward vouches for this customer */
	bool company;    /* never one person with somebody */
	/* What its own facts say, for conflicts (identity/field.h): the names' forms for
	 * comparing, or empty; the birth date as yyyymmdd, or 0. */
	char first_name[FOLD_NAME_SIZE], last_name[FOLD_NAME_SIZE];
	uint32_t born;
	struct fold_made made;
};

enum fold_kind {
	FOLD_CLAIM, /* left: unit, right: identifier (which is of one kind in all claims) */
	FOLD_LINK,  /* left, right: units */
	FOLD_UNDO,  /* left: the id of a claim, link, join, apart, block or share that never was; a
	               join's is that of its two claims, XORed */
	FOLD_APART, /* left, right: units that no rule ever joins ("that is not me") */
	FOLD_BLOCK, /* left: an identifier that is nobody's: its claims do not hold */
	FOLD_SHARE, /* left: an identifier that finds but no longer joins */
	FOLD_ERASE, /* left: a unit that is forgotten, with all that names it */
};

struct fold_op {
	enum fold_kind kind;
	struct ref id; /* random; what an undo names */
	struct ref left, right;
	enum ident_kind ident; /* of a claim */
	bool verified;         /* of a claim */
	bool by_person; /* of a link: a steward or a manager decided; only what can never be stands
	                   against it (a company, itself erased, FOLD_UNITS_MAX) */
};

enum fold_fate { FOLD_HOLDS, FOLD_UNDONE, FOLD_REFUSED };
enum fold_reason {
	FOLD_NO_REASON,
	FOLD_LIMIT,         /* too many identifiers of a kind, or units */
	FOLD_TWO_CONFIRMED, /* two customers whom HQ vouches for: a steward's to decide */
	FOLD_BIRTH_DATES,   /* differ */
	FOLD_FIRST_NAMES,   /* differ, on one phone */
	FOLD_LAST_NAMES,    /* differ, of two enrolments */
	FOLD_NOT_VERIFIED,  /* a typed identifier finds, it does not join */
	FOLD_NOT_ALIKE,     /* nothing says that who shares it is the same person */
	FOLD_NOT_OFFLINE,   /* of two enrolments the one could be known where the other was made */
	FOLD_KEPT_APART,    /* a person said so */
	FOLD_COMPANY,       /* a company and a person */
	FOLD_SHARED,        /* the identifier is several people's */
	FOLD_BLOCKED,       /* the identifier is nobody's */
	FOLD_ERASED,        /* a unit is forgotten */
	FOLD_UNKNOWN,       /* names a unit that is not here */
	FOLD_REASON_COUNT
};
const char *fold_reason_name(enum fold_reason reason); /* "limit", "two_confirmed", ... */

/* An undo, a block and a share always hold, whether what they name is here or not. */
struct fold_verdict {
	enum fold_fate fate;
	enum fold_reason reason;
};

/* Two claims on one identifier of which the rules would make one person. */
struct fold_join {
	struct ref id;
	size_t claim[2]; /* places of the claims in the operations, rising */
	struct fold_verdict verdict;
};

enum fold_ident_state { FOLD_IDENT_ONE, FOLD_IDENT_SEVERAL, FOLD_IDENT_SHARED, FOLD_IDENT_BLOCKED };
struct fold_ident {
	struct ref ident;
	enum ident_kind kind;
	enum fold_ident_state state; /* SEVERAL: up to guard.persons_max persons; a conflict */
	size_t person_count;         /* who have it by a claim that holds; 0 when blocked */
};

struct fold {
	/* Per unit: the place of the unit that names its person (the lowest HQ number; of those
	 * without one the first in `units`), or FOLD_NOBODY when it is erased. */
	size_t *person;
	struct fold_verdict *verdict; /* per operation */
	struct fold_join *join;       /* in order of their second claim */
	size_t join_count;
	struct fold_ident *ident; /* those that claims name, undone ones too, sorted by ident */
	size_t ident_count;
};
#define FOLD_NOBODY SIZE_MAX

struct fold_input {
	const struct rule_set *rules;
	const struct fold_unit *unit; /* any order that does not depend on arrival */
	size_t unit_count;
	const struct fold_op *op; /* in canonical order */
	size_t op_count;
};
/* NULL: out of memory. One allocation of the result and one, given back, to work in. The references
 * of units are all different; of two that are the same the first is meant. */
struct fold *fold_run(const struct fold_input *in);
void fold_free(struct fold *f);

#endif
