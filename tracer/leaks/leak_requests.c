/* SPDX-License-Identifier: MIT */
#include "tracer/leaks/leak_requests.h"

#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <time.h>

#include "output/log/record.h"

/* A signal may come just before a wait begins, and not interrupt it. */
#define RING_NS 20000000

enum { TIMER_INTERVAL, TIMER_RING };

/* A shorter interval would leave the program no time between two checks. */
#define LEAST_NS 1000000

static timer_t ring, interval;
static bool has_ring;
static struct itimerspec period; /* one shot: the next begins when a check has been made */
static bool interval_taken;
static volatile sig_atomic_t requested, interval_over;

void leak_requests_ring(void)
{
    const struct itimerspec soon = {.it_value.tv_nsec = RING_NS};
    if (has_ring)
        timer_settime(ring, 0, &soon, NULL); /* async-signal-safe, signal-safety(7) */
}

static void on_request(int signal)
{
    (void)signal;
    requested = 1;
    leak_requests_ring();
}

static void on_timer(int signal, siginfo_t *info, void *context)
{
    (void)signal;
    (void)context;
    if (info->si_code == SI_TIMER && info->si_value.sival_int == TIMER_INTERVAL)
        interval_over = 1;
    if (requested || interval_over)
        leak_requests_ring();
}

static struct error *create(int which, timer_t *timer)
{
    struct sigevent event = {
        .sigev_notify = SIGEV_SIGNAL,
        .sigev_signo = SIGRTMIN,
        .sigev_value.sival_int = which,
    };
    if (timer_create(CLOCK_MONOTONIC, &event, timer) < 0)
        return error_errno(errno, "cannot make a timer for leak checks");
    return NULL;
}

struct error *leak_requests_start(double seconds)
{
    struct sigaction on_usr1 = {.sa_handler = on_request};
    struct sigaction on_alarm = {.sa_sigaction = on_timer, .sa_flags = SA_SIGINFO};
    sigaction(SIGRTMIN, &on_alarm, NULL);
    struct error *error = create(TIMER_RING, &ring);
    has_ring = !error;
    sigaction(SIGUSR1, &on_usr1, NULL);
    if (error || seconds <= 0)
        return error;
    error = create(TIMER_INTERVAL, &interval);
    if (error)
        return error;
    period.it_value.tv_sec = (time_t)seconds;
    period.it_value.tv_nsec = (long)((seconds - (double)period.it_value.tv_sec) * 1e9);
    if (!period.it_value.tv_sec && period.it_value.tv_nsec < LEAST_NS)
        period.it_value.tv_nsec = LEAST_NS;
    timer_settime(interval, 0, &period, NULL);
    return NULL;
}

unsigned leak_requests_take(void)
{
    unsigned moments = 0;
    if (requested) {
        requested = 0;
        moments |= 1U << LOG_MOMENT_REQUEST;
    }
    if (interval_over) {
        interval_over = 0;
        interval_taken = true;
        moments |= 1U << LOG_MOMENT_INTERVAL;
    }
    return moments;
}

void leak_requests_go_on(void)
{
    if (interval_taken)
        timer_settime(interval, 0, &period, NULL);
    interval_taken = false;
}
