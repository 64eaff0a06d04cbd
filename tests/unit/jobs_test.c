#include "listener/jobs.h"

#include "check.h"

static const enum job_state by_loop[] = { JOB_OPEN, JOB_SETTLED, JOB_QUEUED_SETTLED,
	JOB_RUNNING_SETTLED };

/* A life of a job, event by event. */
TEST(jobs_live_as_they_should)
{
	static const struct {
		const char *what;
		enum job_event events[8];
		size_t count;
		enum job_state end;
	} lives[] = {
		{ "refused at once", { JOB_OPENS, JOB_SETTLES, JOB_RELEASES }, 3, JOB_FREE },
		{ "started in time",
			{ JOB_OPENS, JOB_SUBMITS, JOB_STARTS, JOB_ANSWERS, JOB_ENDS, JOB_COLLECTS,
				JOB_RELEASES },
			7, JOB_FREE },
		{ "answered before it ended",
			{ JOB_OPENS, JOB_SUBMITS, JOB_STARTS, JOB_ANSWERS, JOB_COLLECTS, JOB_ENDS,
				JOB_RELEASES },
			7, JOB_FREE },
		{ "its answer left before it ended",
			{ JOB_OPENS, JOB_SUBMITS, JOB_STARTS, JOB_ANSWERS, JOB_COLLECTS, JOB_RELEASES, JOB_ENDS,
				JOB_COLLECTS },
			8, JOB_FREE },
		{ "announced",
			{ JOB_OPENS, JOB_SETTLES, JOB_SUBMITS, JOB_RELEASES, JOB_STARTS, JOB_ENDS,
				JOB_COLLECTS },
			7, JOB_FREE },
		{ "overdue in the queue",
			{ JOB_OPENS, JOB_SUBMITS, JOB_WITHDRAWS, JOB_SETTLES, JOB_SUBMITS, JOB_STARTS, JOB_ENDS,
				JOB_RELEASES },
			8, JOB_FREE },
		{ "its client left early",
			{ JOB_OPENS, JOB_SUBMITS, JOB_RELEASES, JOB_STARTS, JOB_ANSWERS, JOB_ENDS,
				JOB_COLLECTS },
			7, JOB_FREE },
		{ "its client left meanwhile",
			{ JOB_OPENS, JOB_SUBMITS, JOB_STARTS, JOB_RELEASES, JOB_ANSWERS, JOB_ENDS,
				JOB_COLLECTS },
			7, JOB_FREE },
		{ "its client left with the answer ready",
			{ JOB_OPENS, JOB_SUBMITS, JOB_STARTS, JOB_ANSWERS, JOB_RELEASES, JOB_ENDS,
				JOB_COLLECTS },
			7, JOB_FREE },
		{ "waited for newer secrets",
			{ JOB_OPENS, JOB_SUBMITS, JOB_STARTS, JOB_RETURNS, JOB_COLLECTS, JOB_SETTLES,
				JOB_RELEASES },
			7, JOB_FREE },
		{ "waited for them too long",
			{ JOB_OPENS, JOB_SUBMITS, JOB_WITHDRAWS, JOB_SETTLES, JOB_RELEASES }, 5, JOB_FREE },
		{ "verified elsewhere",
			{ JOB_OPENS, JOB_ASKS, JOB_STARTS, JOB_RETURNS, JOB_COLLECTS, JOB_SUBMITS }, 6,
			JOB_QUEUED },
		{ "no longer to be verified", { JOB_OPENS, JOB_ASKS, JOB_RELEASES }, 3, JOB_FREE },
		{ "left while it was verified",
			{ JOB_OPENS, JOB_ASKS, JOB_STARTS, JOB_RELEASES, JOB_RETURNS, JOB_COLLECTS }, 6,
			JOB_FREE },
		{ "announced with a journal",
			{ JOB_OPENS, JOB_DELAYS, JOB_RETURNS, JOB_COLLECTS, JOB_SETTLES, JOB_SUBMITS,
				JOB_STARTS },
			7, JOB_RUNNING_SETTLED },
		{ "the disk was too slow to announce it",
			{ JOB_OPENS, JOB_DELAYS, JOB_WITHDRAWS, JOB_SUBMITS, JOB_STARTS }, 5, JOB_RUNNING },
		{ "left the embedded backend with it", { JOB_OPENS, JOB_DELAYS, JOB_RELEASES }, 3,
			JOB_FREE },
		{ "left before its promise was kept",
			{ JOB_OPENS, JOB_DELAYS, JOB_SUBMITS, JOB_RELEASES, JOB_STARTS }, 5, JOB_RUNNING_LEFT },
		{ "left when its promise was kept",
			{ JOB_OPENS, JOB_DELAYS, JOB_RETURNS, JOB_SUBMITS, JOB_RELEASES, JOB_STARTS }, 6,
			JOB_RUNNING_LEFT },
		{ "overdue with a journal",
			{ JOB_OPENS, JOB_SUBMITS, JOB_WITHDRAWS, JOB_DELAYS, JOB_RETURNS, JOB_COLLECTS,
				JOB_SETTLES, JOB_SUBMITS },
			8, JOB_QUEUED_SETTLED },
		{ "lost its place among them",
			{ JOB_OPENS, JOB_ASKS, JOB_WITHDRAWS, JOB_SETTLES, JOB_RELEASES }, 5, JOB_FREE },
	};
	for (size_t i = 0; i < countof(lives); i++) {
		enum job_state state = JOB_FREE;
		context("%s", lives[i].what);
		for (size_t j = 0; j < lives[i].count && state < JOB_STATES; j++)
			state = job_next(state, lives[i].events[j]);
		expect_int(state, lives[i].end);
	}
}

TEST(jobs_are_not_worked_on_twice)
{
	for (enum job_state s = JOB_FREE; s < JOB_STATES; s++) {
		enum job_state next = job_next(s, JOB_STARTS);
		context("state %d", (int)s);
		if (next < JOB_STATES)
			expect_int(job_next(next, JOB_STARTS), JOB_STATES);
	}
}

/* Whatever happens to one, it becomes free again: by what its holders still have to do, and never
 * without. */
TEST(jobs_end_from_everywhere)
{
	static const enum job_event duties[] = { JOB_STARTS, JOB_RELEASES, JOB_ENDS, JOB_RETURNS,
		JOB_COLLECTS };
	for (enum job_state s = JOB_OPEN; s < JOB_STATES; s++) {
		enum job_state state = s;
		context("state %d", (int)s);
		for (int steps = 0; state != JOB_FREE && steps < 16; steps++)
			for (size_t i = 0; i < countof(duties); i++)
				if (job_next(state, duties[i]) < JOB_STATES) {
					state = job_next(state, duties[i]);
					break;
				}
		expect_int(state, JOB_FREE);
	}
}

/* A job that a worker has, or that waits for one, is never free; one that the loop answers from is
 * not either. */
TEST(jobs_are_free_only_when_nobody_holds_them)
{
	for (enum job_state s = JOB_OPEN; s < JOB_STATES; s++)
		for (enum job_event e = JOB_OPENS; e < JOB_EVENTS; e++) {
			context("state %d, event %d", (int)s, (int)e);
			if (job_next(s, e) == JOB_FREE)
				expect(e == JOB_RELEASES || (s == JOB_ENDED && e == JOB_COLLECTS));
			if (s >= JOB_QUEUED && s <= JOB_RUNNING_LEFT && s != JOB_RUNNING_ANSWERED)
				expect(job_next(s, e) != JOB_FREE);
		}
	for (size_t i = 0; i < countof(by_loop); i++)
		expect(job_next(by_loop[i], JOB_RELEASES) < JOB_STATES);
}
