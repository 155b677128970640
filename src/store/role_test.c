/* SPDX-License-Identifier: Apache-2.0 */
/* role_test.c - who acts, and how, on which claims. */
#include "store/test_help.h"

#include "store/role.h"

#define ROLE "crl.MasterCRL"

enum {
	ASKER = 5,
	ME = 7,
	OTHER = 9
};

#define STATUS "status"

static struct claim items[12];
static struct claims all;
static struct role_view view;

static int
set_up(void **state)
{
	(void)state;
	all = (struct claims){ items, 0 };
	view = (struct role_view){
		.all = &all, .role = ROLE, .me = ME, .acted = ""
	};
	return 0;
}

static struct claim *
put_role(const char *role, enum claim_kind kind, uint16_t host, uint64_t number,
    const char *about, uint16_t to)
{
	struct claim *c = &items[all.n++];

	assert_true(all.n <= sizeof(items) / sizeof(items[0]));
	*c = (struct claim){ .kind = kind,
		.number = num_from_u64(number),
		.by = { host, "ca.example.com", 8443 },
		.n = (uint32_t)all.n,
		.to = to };
	(void)snprintf(c->role, sizeof(c->role), "%s", role);
	OK(claim_id(c->id, role, host, c->n, e));
	(void)snprintf(c->about, sizeof(c->about), "%s", about);
	return c;
}

static struct claim *
put(enum claim_kind kind, uint16_t host, uint64_t number, const char *about,
    uint16_t to)
{
	return put_role(ROLE, kind, host, number, about, to);
}

#define DOES(want)           \
	assert_string_equal( \
	    role_act_text(role_decide(&view).act), role_act_text(want))

static void
wish(bool now, bool known, bool kept)
{
	view.wish = now;
	view.known = known;
	view.kept = kept;
}

static void
first_installation_claims_and_only_it(void **state)
{
	(void)state;
	wish(true, false, false);
	DOES(ROLE_FIRST);
	wish(false, false, false);
	DOES(ROLE_NOTE);
	wish(true, true, false);
	DOES(ROLE_FIRST);
	wish(true, true, true);
	DOES(ROLE_KEEP);
	wish(true, false, false);
	view.acted = "crl.MasterCRL.0007.1"; /* gone: not our store */
	DOES(ROLE_KEEP);
	view.acted = "";
	view.restored = true;
	DOES(ROLE_KEEP);
}

static void
stale_wish_does_not_retake(void **state)
{
	(void)state;
	put(CLAIM_FIRST, ME, 1, "", 0);
	put(CLAIM_FORCED, OTHER, 0x1000900000, "", 0);
	wish(true, true, true);
	view.acted = items[0].id;
	DOES(ROLE_DEPOSED);
	assert_false(role_decide(&view).holds);
	wish(true, false, false); /* never seen here: as stale */
	DOES(ROLE_DEPOSED);
	wish(false, true, true);
	DOES(ROLE_NOTE);
	wish(false, true, false);
	DOES(ROLE_KEEP);
	wish(true, true, false); /* the one that counts: it changed */
	DOES(ROLE_FORCE);
}

static void
holder_goes_on_and_adopts_once(void **state)
{
	struct claim *c;

	(void)state;
	c = put(CLAIM_FIRST, ME, 1, "", 0);
	wish(true, false, false);
	DOES(ROLE_ADOPT);
	assert_true(role_decide(&view).holds);
	view.acted = c->id;
	DOES(ROLE_NOTE);
	wish(true, true, true);
	DOES(ROLE_KEEP);
	assert_true(role_decide(&view).holds);
	wish(false, true, true); /* switched off by hand */
	DOES(ROLE_NOTE);
}

static void
asked_holder_releases_once(void **state)
{
	struct claim *c, *ask;
	struct role_step s;

	(void)state;
	c = put(CLAIM_FIRST, ME, 1, "", 0);
	ask = put(CLAIM_ASK, OTHER, 0, c->id, 0);
	wish(true, true, true);
	view.acted = c->id;
	s = role_decide(&view);
	assert_int_equal(s.act, ROLE_RELEASE);
	assert_ptr_equal(s.note, ask);
	view.drained = true; /* perhaps released: never again under it */
	DOES(ROLE_KEEP);
	assert_false(role_decide(&view).holds);
	view.drained = false;
	put(CLAIM_RELEASE, ME, 17, c->id, OTHER);
	DOES(ROLE_KEEP);
	assert_false(role_decide(&view).holds);
	view.patience_over = true;
	DOES(ROLE_TAKE_BACK);
	/* a question about a claim of the past, or by ourselves, is none */
	all.n = 1;
	view.patience_over = false;
	put(CLAIM_ASK, OTHER, 0, "crl.MasterCRL.0007.99", 0);
	put(CLAIM_ASK, ME, 0, c->id, 0);
	DOES(ROLE_KEEP);
}

static void
released_role_is_accepted_by_its_successor_alone(void **state)
{
	struct claim *c;

	(void)state;
	c = put(CLAIM_FIRST, OTHER, 1, "", 0);
	put(CLAIM_RELEASE, OTHER, 17, c->id, ME);
	wish(false, true, false);
	DOES(ROLE_ACCEPT);
	view.me = 8;
	DOES(ROLE_KEEP);
	wish(true, true, true);
	DOES(ROLE_DEPOSED);
}

static void
restored_host_does_nothing_until_told(void **state)
{
	struct claim *c;

	(void)state;
	c = put(CLAIM_FIRST, ME, 1, "", 0);
	view.restored = true;
	view.acted = c->id;
	wish(true, true, true);
	DOES(ROLE_KEEP);
	assert_false(role_decide(&view).holds);
	view.me = 8; /* a restored host has a new id */
	DOES(ROLE_KEEP);
	view.sole = true; /* but in a store of its own it goes on, above */
	DOES(ROLE_FORCE);
	view.acted = "";
	DOES(ROLE_KEEP);
	view.me = ME;
	view.acted = c->id;
	DOES(ROLE_KEEP);
	assert_true(role_decide(&view).holds);
}

static void
settings_put_back_are_no_wish(void **state)
{
	struct claim *mine;

	(void)state;
	mine = put(CLAIM_FIRST, ME, 1, "", 0);
	put(CLAIM_FORCED, OTHER, 0x1000900000, "", 0);
	view.acted = mine->id;
	wish(true, true, false); /* as if the settings had changed */
	DOES(ROLE_FORCE);
	view.stale = true;
	DOES(ROLE_DEPOSED); /* which writes them anew */
	assert_false(role_decide(&view).holds);
	/* the holder's, from when it was a clone: written anew too */
	all.n = 1;
	wish(false, true, true);
	DOES(ROLE_ADOPT);
	assert_true(role_decide(&view).holds);
	view.stale = false;
	DOES(ROLE_NOTE);
}

static void
first_release_decides_about_all_roles(void **state)
{
	struct claim *crl, *status, *gone;
	struct role_step s;

	(void)state;
	crl = put(CLAIM_FIRST, ME, 1, "", 0);
	status = put_role(STATUS, CLAIM_FIRST, ME, 1, "", 0);
	gone = put(CLAIM_RELEASE, ME, 17, crl->id, OTHER);
	view.role = STATUS;
	view.acted = status->id;
	wish(true, true, true);
	s = role_decide(&view);
	assert_int_equal(s.act, ROLE_RELEASE);
	assert_ptr_equal(s.note, gone);
	/* to that same host */
	{
		struct claim_self me = { ME, "old.example.com", 8443 };
		struct num high = num_from_u64(1);
		struct claim c;

		OK(role_claim(&c, &s, STATUS, &me, &high, e));
		assert_int_equal(c.to, OTHER);
	}
	/* whoever asks for the rest meanwhile, and has the lesser id */
	put_role(STATUS, CLAIM_ASK, ASKER, 0, status->id, 0);
	s = role_decide(&view);
	assert_int_equal(s.act, ROLE_RELEASE);
	assert_ptr_equal(s.note, gone);
	all.n--;
	put(CLAIM_HANDOVER, OTHER, 18, crl->id, 0); /* taken up: all the more */
	DOES(ROLE_RELEASE);
	/* but not what was claimed since */
	put_role(STATUS, CLAIM_FORCED, ME, 0x1000700000, "", 0);
	view.acted = items[all.n - 1].id;
	DOES(ROLE_KEEP);
	/* nor when the first one has come back */
	all.n = 3;
	view.acted = status->id;
	put(CLAIM_FORCED, ME, 0x1000700000, crl->id, 0);
	DOES(ROLE_KEEP);
	assert_true(role_decide(&view).holds);
}

static void
what_is_being_taken_up_is_not_taken_back(void **state)
{
	struct claim *crl, *status, *taken;

	(void)state;
	crl = put(CLAIM_FIRST, ME, 1, "", 0);
	status = put_role(STATUS, CLAIM_FIRST, ME, 1, "", 0);
	put(CLAIM_RELEASE, ME, 17, crl->id, OTHER);
	taken = put(CLAIM_HANDOVER, OTHER, 18, crl->id, 0);
	view.role = STATUS;
	view.acted = status->id;
	wish(true, true, true);
	/* whether the release was written is not known: it is again */
	view.drained = true;
	view.patience_over = true;
	DOES(ROLE_RELEASE);
	put_role(STATUS, CLAIM_RELEASE, ME, 1, status->id, OTHER);
	DOES(ROLE_KEEP);
	assert_false(role_decide(&view).holds);
	/* given back: so is this */
	put(CLAIM_RELEASE, OTHER, 18, taken->id, ME);
	DOES(ROLE_TAKE_BACK);
}

static void
what_was_taken_back_meanwhile_is_given_back(void **state)
{
	struct claim *crl, *status, *back, *mine;
	struct role_step s;

	(void)state;
	crl = put(CLAIM_FIRST, OTHER, 1, "", 0);
	status = put_role(STATUS, CLAIM_FIRST, OTHER, 1, "", 0);
	put(CLAIM_RELEASE, OTHER, 17, crl->id, ME);
	put_role(STATUS, CLAIM_RELEASE, OTHER, 1, status->id, ME);
	mine = put_role(STATUS, CLAIM_HANDOVER, ME, 2, status->id, 0);
	view.role = STATUS;
	view.acted = mine->id;
	wish(true, true, true);
	DOES(ROLE_KEEP);
	assert_true(role_decide(&view).holds);
	back = put(CLAIM_FORCED, OTHER, 0x1000900000, crl->id, 0);
	s = role_decide(&view);
	assert_int_equal(s.act, ROLE_RELEASE);
	assert_ptr_equal(s.note, back);
	/* claimed by a wish of its own, not taken back: a matter of its own */
	back->about[0] = '\0';
	DOES(ROLE_KEEP);
}

static void
take_over_that_was_cut_is_finished(void **state)
{
	struct claim *c;

	(void)state;
	c = put(CLAIM_FIRST, OTHER, 1, "", 0);
	wish(false, true, false);
	view.taking = c->id;
	DOES(ROLE_FORCE);
	put(CLAIM_FORCED, OTHER, 0x1000900000, "", 0); /* another one since */
	DOES(ROLE_KEEP);
}

static void
ranges_go_with_the_statuses(void **state)
{
	struct claim *lead, *c;

	(void)state;
	view.role = CLAIM_ROLE_RANGES;
	view.follows = STATUS;
	wish(true, true, false); /* the line of the statuses: not its own */
	lead = put_role(STATUS, CLAIM_FIRST, OTHER, 1, "", 0);
	c = put_role(CLAIM_ROLE_RANGES, CLAIM_FIRST, OTHER, 1, "", 0);
	DOES(ROLE_KEEP);
	/* statuses claimed by a wish: the ranges too */
	put_role(STATUS, CLAIM_FORCED, ME, 0x1000700000, "", 0);
	DOES(ROLE_FORCE);
	/* handed over: they are about to be released */
	all.n = 2;
	put_role(STATUS, CLAIM_RELEASE, OTHER, 1, lead->id, ME);
	lead = put_role(STATUS, CLAIM_HANDOVER, ME, 2, lead->id, 0);
	DOES(ROLE_KEEP);
	assert_false(role_decide(&view).holds);
	put_role(CLAIM_ROLE_RANGES, CLAIM_RELEASE, OTHER, 1, c->id, ME);
	DOES(ROLE_ACCEPT);
	c = put_role(CLAIM_ROLE_RANGES, CLAIM_HANDOVER, ME, 2, c->id, 0);
	DOES(ROLE_ADOPT);
	view.acted = c->id;
	DOES(ROLE_KEEP);
	assert_true(role_decide(&view).holds);
	/* the statuses were claimed elsewhere: who did that claims these */
	put_role(STATUS, CLAIM_FORCED, OTHER, 0x1000900000, "", 0);
	DOES(ROLE_KEEP);
	assert_true(role_decide(&view).holds);
	/* nobody's yet: whoever has the statuses */
	all.n = 1;
	view.acted = "";
	DOES(ROLE_KEEP);
	view.me = OTHER;
	DOES(ROLE_FIRST);
}

static void
claims_are_numbered_as_their_step_says(void **state)
{
	struct claim_self me = { ME, "new.example.com", 8443 };
	struct num high = num_from_u64(17), zero = num_from_u64(0);
	struct role_step s = { .act = ROLE_FIRST };
	char text[NUM_TEXT_MAX];
	struct claim c, *old;

	(void)state;
	OK(role_claim(&c, &s, ROLE, &me, &zero, e));
	assert_int_equal(c.kind, CLAIM_FIRST);
	assert_string_equal(num_0x(text, &c.number), "0x1");
	/* another server's lists are there */
	OK(role_claim(&c, &s, ROLE, &me, &high, e));
	assert_int_equal(c.kind, CLAIM_FORCED);
	assert_string_equal(num_0x(text, &c.number), "0x1000700000");
	old = put(CLAIM_FIRST, OTHER, 1, "", 0);
	s.holder = old;
	s.note = put(CLAIM_RELEASE, OTHER, 17, old->id, ME);
	s.act = ROLE_ACCEPT;
	OK(role_claim(&c, &s, ROLE, &me, &high, e));
	assert_int_equal(c.kind, CLAIM_HANDOVER);
	assert_string_equal(c.about, old->id);
	assert_string_equal(num_0x(text, &c.number), "0x12");
	s.note = put(CLAIM_ASK, OTHER, 0, old->id, 0);
	s.act = ROLE_RELEASE;
	OK(role_claim(&c, &s, ROLE, &me, &high, e));
	assert_int_equal(c.kind, CLAIM_RELEASE);
	assert_int_equal(c.to, OTHER);
	assert_string_equal(num_0x(text, &c.number), "0x11");
	s.act = ROLE_KEEP;
	RC(RC_INTERNAL, role_claim(&c, &s, ROLE, &me, &high, e));
}

#define CASE(f) cmocka_unit_test_setup(f, set_up)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(first_installation_claims_and_only_it),
		CASE(stale_wish_does_not_retake),
		CASE(holder_goes_on_and_adopts_once),
		CASE(asked_holder_releases_once),
		CASE(released_role_is_accepted_by_its_successor_alone),
		CASE(restored_host_does_nothing_until_told),
		CASE(settings_put_back_are_no_wish),
		CASE(first_release_decides_about_all_roles),
		CASE(what_is_being_taken_up_is_not_taken_back),
		CASE(what_was_taken_back_meanwhile_is_given_back),
		CASE(take_over_that_was_cut_is_finished),
		CASE(ranges_go_with_the_statuses),
		CASE(claims_are_numbered_as_their_step_says),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
