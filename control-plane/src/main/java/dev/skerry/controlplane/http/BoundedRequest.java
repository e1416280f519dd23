package dev.skerry.controlplane.http;

import dev.skerry.controlplane.problem.Refusal;
import dev.skerry.controlplane.problem.RefusedException;
import jakarta.servlet.ReadListener;
import jakarta.servlet.ServletInputStream;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletRequestWrapper;
import java.io.IOException;
import java.net.SocketTimeoutException;
import java.time.Duration;
import java.util.Locale;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Stops to read a body that grows beyond its limit, whatever its length was said to be, or that takes too long in all; can hide what a
 * caller says about traces.
 */
final class BoundedRequest extends HttpServletRequestWrapper {
    private static final Set<String> ABOUT_TRACES = Set.of("traceparent", "tracestate", "baggage");

    private final boolean believed;
    private final long limit;
    private final Duration time;

    BoundedRequest(HttpServletRequest request, boolean believed, long limit, Duration time) {
        super(request);
        this.believed = believed;
        this.limit = limit;
        this.time = time;
    }

    static Refusal tooLarge(long limit) {
        return new Refusal.TooLarge("The body of this call may have " + limit + " bytes at most.");
    }

    @Override
    public @Nullable String getHeader(String name) {
        return believed || !ABOUT_TRACES.contains(name.toLowerCase(Locale.ROOT)) ? super.getHeader(name) : null;
    }

    @Override
    public ServletInputStream getInputStream() throws IOException {
        return new Bounded(super.getInputStream(), limit, System.nanoTime() + time.toNanos());
    }

    private static final class Bounded extends ServletInputStream {
        private final ServletInputStream input;
        private final long limit;
        private final long deadline;
        private long read;

        Bounded(ServletInputStream input, long limit, long deadline) {
            this.input = input;
            this.limit = limit;
            this.deadline = deadline;
        }

        @Override
        public int read() throws IOException {
            int next = next();
            count(next < 0 ? 0 : 1);
            return next;
        }

        @Override
        public int read(byte[] buffer, int offset, int length) throws IOException {
            int count = next(buffer, offset, length);
            count(Math.max(0, count));
            return count;
        }

        private int next() throws IOException {
            try {
                return input.read();
            } catch (IOException e) {
                if (late(e)) {
                    throw tooSlow();
                }
                throw e;
            }
        }

        private int next(byte[] buffer, int offset, int length) throws IOException {
            try {
                return input.read(buffer, offset, length);
            } catch (IOException e) {
                if (late(e)) {
                    throw tooSlow();
                }
                throw e;
            }
        }

        /** Tomcat wraps a time-out like a caller that went away. */
        private static boolean late(IOException e) {
            return e instanceof SocketTimeoutException || e.getCause() instanceof SocketTimeoutException;
        }

        private static RefusedException tooSlow() {
            return new RefusedException(new Refusal.TooSlow(
                    "The body did not arrive in time: send it without pauses, on a new connection."));
        }

        private void count(int bytes) {
            read += bytes;
            if (read > limit) {
                throw new RefusedException(tooLarge(limit));
            }
            if (System.nanoTime() > deadline) {
                throw tooSlow();
            }
        }

        @Override
        public boolean isFinished() {
            return input.isFinished();
        }

        @Override
        public boolean isReady() {
            return input.isReady();
        }

        @Override
        public void setReadListener(ReadListener listener) {
            input.setReadListener(listener);
        }
    }
}
