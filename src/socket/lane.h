/* lane.h - what sessions and the listener share: envelopes on their way. */
#ifndef SOCKET_LANE_H
#define SOCKET_LANE_H

#include "service/services.h"

enum {
	LANES_MAX = 128, /* envelopes of one app that are worked on at once */
	LANE_ID_SIZE = 32,
	ENVELOPE_ID_MAX = 80,
};

/* One envelope on its way. Whoever holds the connection that it came on has it, or, when that has
 * ended, any other connection of the app. */
struct lane {
	_Atomic int owner;        /* LANE_FREE, LANE_ORPHAN, or the number of the session */
	int fd;                   /* the session's end */
	bool event, accepts;
	struct str app;           /* the id of the app; lives as long as the process */
	char request_id[LANE_ID_SIZE]; /* made of the envelope's, so that it is the same when that comes again */
	char id[ENVELOPE_ID_MAX]; /* of the envelope */
	size_t id_n;
};

enum { LANE_FREE = -1, LANE_ORPHAN = -2 };

/* What the listener gets: the other end, which is its to close. */
struct lane_offer {
	int fd;
	const struct lane *lane;
};

/* What all sessions share. */
struct socket_share {
	struct services *services;
	size_t wanted;             /* connections of each app */
	int offers[2];             /* a pipe of struct lane_offer */
	int wake;                  /* eventfd of the listener's loop */
	_Atomic int64_t stop;      /* monotonic ms; DEADLINE_NEVER before the drain */
	_Atomic size_t useless;    /* apps whose token Slack refuses for good */
};

#endif
