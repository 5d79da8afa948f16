/* A web server with known delays, for the examples that fetch URLs:
 *
 *     server COMMAND [ARGUMENT...]
 *
 * runs the command with the server's address as its last argument, http://127.0.0.1:PORT, at a free port that only
 * this machine sees, and ends when the command and all its processes have ended, with its exit status.
 * /N/SECONDS is answered after so many seconds with the line "page N", anything else at once with 404.
 * One thread serves any number of requests: each sleeps (is suspended) until it is due, and the list of them tells
 * for how long the server may sleep. */
#include <arpa/inet.h>
#include <errno.h>
#include <math.h>
#include <microhttpd.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

struct request {
	double due; /* on the monotonic clock */
	unsigned long page;
	struct MHD_Connection *connection;
	struct request *next;
};
static struct request *asleep; /* the earliest first */

static double seconds(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void die(const char *what)
{
	fprintf(stderr, "server: %s: %s\n", what, strerror(errno));
	exit(EXIT_FAILURE);
}

static enum MHD_Result answer(struct MHD_Connection *connection, unsigned status, char *text)
{
	struct MHD_Response *response = MHD_create_response_from_buffer(strlen(text), text, MHD_RESPMEM_MUST_COPY);
	if (!response)
		return MHD_NO;
	enum MHD_Result queued = MHD_queue_response(connection, status, response);
	MHD_destroy_response(response);
	return queued;
}

static enum MHD_Result send_to_sleep(struct MHD_Connection *connection, unsigned long page, double delay, void **own)
{
	struct request *request = malloc(sizeof *request), **place = &asleep;
	if (!request)
		return MHD_NO;
	*request = (struct request){.due = seconds() + delay, .page = page, .connection = connection};
	while (*place && (*place)->due <= request->due)
		place = &(*place)->next;
	request->next = *place;
	*place = request;
	*own = request;
	MHD_suspend_connection(connection);
	return MHD_YES;
}

/* Called when a request has come in, and once more when it has been woken up. */
static enum MHD_Result handle(void *arg, struct MHD_Connection *connection, const char *url, const char *method,
                              const char *version, const char *data, size_t *size, void **own)
{
	struct request *request = *own;
	unsigned long page;
	double delay;
	char text[64] = "there are only pages /N/SECONDS\n";
	int end = 0;
	(void)arg, (void)method, (void)version, (void)data, (void)size;
	if (request) {
		snprintf(text, sizeof text, "page %lu\n", request->page);
		return answer(connection, MHD_HTTP_OK, text);
	}
	if (sscanf(url, "/%lu/%lf%n", &page, &delay, &end) != 2 || url[end] != '\0' || !(delay >= 0 && delay <= 3600))
		return answer(connection, MHD_HTTP_NOT_FOUND, text);
	return send_to_sleep(connection, page, delay, own);
}

static void forget(void *arg, struct MHD_Connection *connection, void **own, enum MHD_RequestTerminationCode code)
{
	(void)arg, (void)connection, (void)code;
	free(*own);
}

static void wake(double until)
{
	while (asleep && asleep->due <= until) {
		struct request *request = asleep;
		asleep = request->next;
		MHD_resume_connection(request->connection);
	}
}

static struct timespec time_to_sleep(struct MHD_Daemon *daemon)
{
	MHD_UNSIGNED_LONG_LONG limit;
	double time = asleep ? asleep->due - seconds() : 3600;
	if (MHD_get_timeout(daemon, &limit) == MHD_YES)
		time = fmin(time, (double)limit / 1e3);
	time = fmax(time, 0);
	return (struct timespec){.tv_sec = (time_t)time, .tv_nsec = (long)(fmod(time, 1) * 1e9)};
}

/* Until `life` is closed at its other end. */
static void serve(struct MHD_Daemon *daemon, int life)
{
	struct pollfd polled[] = {
	        {.fd = MHD_get_daemon_info(daemon, MHD_DAEMON_INFO_EPOLL_FD)->epoll_fd, .events = POLLIN},
	        {.fd = life, .events = POLLIN},
	};
	while (!polled[1].revents) {
		struct timespec time = time_to_sleep(daemon);
		if (ppoll(polled, 2, &time, NULL) < 0 && errno != EINTR)
			die("ppoll");
		wake(seconds());
		MHD_run(daemon);
	}
	wake(INFINITY); /* to whoever gave up waiting: MHD_stop_daemon() wants nobody asleep */
}

static struct MHD_Daemon *start(void)
{
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	struct MHD_Daemon *daemon =
	        MHD_start_daemon(MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME, 0, NULL, NULL, handle, NULL,
	                         MHD_OPTION_SOCK_ADDR, (struct sockaddr *)&address, MHD_OPTION_CONNECTION_LIMIT, 65536U,
	                         MHD_OPTION_NOTIFY_COMPLETED, forget, NULL, MHD_OPTION_END);
	if (!daemon)
		die("no port");
	return daemon;
}

/* Replaces this process by the command, with the address behind its arguments. */
static void become(char **command, int arguments, unsigned port)
{
	char address[32], **argv = calloc((size_t)arguments + 2, sizeof *argv);
	if (!argv)
		die(command[0]);
	snprintf(address, sizeof address, "http://127.0.0.1:%u", port);
	memcpy(argv, command, (size_t)arguments * sizeof *argv);
	argv[arguments] = address;
	execvp(argv[0], argv);
	die(argv[0]);
}

int main(int argc, char **argv)
{
	int life[2], status;
	if (argc < 2 || argv[1][0] == '-') {
		fprintf(stderr, "usage: %s COMMAND [ARGUMENT...]\n", argv[0]);
		return EXIT_FAILURE;
	}
	struct MHD_Daemon *daemon = start();
	unsigned port = MHD_get_daemon_info(daemon, MHD_DAEMON_INFO_BIND_PORT)->port;
	if (pipe(life) != 0)
		die("pipe");
	pid_t child = fork();
	if (child < 0)
		die("fork");
	if (child == 0) {
		close(life[0]);
		become(argv + 1, argc - 1, port);
	}
	close(life[1]);
	signal(SIGPIPE, SIG_IGN); /* a client that goes away in the middle is no reason to die */
	serve(daemon, life[0]);
	MHD_stop_daemon(daemon);
	if (waitpid(child, &status, 0) != child)
		die("waitpid");
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
