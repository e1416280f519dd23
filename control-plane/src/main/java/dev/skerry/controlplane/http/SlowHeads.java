package dev.skerry.controlplane.http;

import java.time.Duration;
import org.apache.coyote.Processor;
import org.apache.coyote.Request;
import org.apache.coyote.http11.Http11NioProtocol;
import org.apache.tomcat.util.net.SocketWrapperBase;

/**
 * Closes a connection whose request's head takes too long in all: Tomcat itself only bounds the silence between two bytes, so that a
 * byte now and then would hold a connection for days.
 */
public final class SlowHeads extends Http11NioProtocol {
    /** Answers how many were closed. */
    int close(Duration longest) {
        int closed = 0;
        for (SocketWrapperBase<?> connection : getEndpoint().getConnections()) {
            if (connection.getCurrentProcessor() instanceof Processor processor && slow(processor, longest)) {
                connection.close();
                closed++;
            }
        }
        return closed;
    }

    /** A processor stays with its connection between events only for a head that is not complete, or for asynchronous work. */
    private static boolean slow(Processor processor, Duration longest) {
        Request request = processor.getRequest();
        if (request == null || processor.isAsync() || processor.isUpgrade()) {
            return false;
        }
        long began = request.getStartTimeNanos();
        return began > 0 && System.nanoTime() - began > longest.toNanos();
    }
}
