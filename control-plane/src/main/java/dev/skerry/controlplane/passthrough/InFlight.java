package dev.skerry.controlplane.passthrough;

import java.time.Duration;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import okhttp3.Call;

/** The calls that are on their way or not settled yet. */
final class InFlight {
    private final Map<Exchange, Flight> flights = new ConcurrentHashMap<>();

    private record Flight(Call call, CountDownLatch settled) {}

    void enter(Exchange exchange, Call call) {
        flights.put(exchange, new Flight(call, new CountDownLatch(1)));
    }

    /** Does nothing for an exchange that did not get so far. */
    void leave(Exchange exchange) {
        Flight flight = flights.remove(exchange);
        if (flight != null) {
            flight.settled().countDown();
        }
    }

    /** Breaks all of them off and waits until they are settled, at most so long. */
    void breakOff(Duration atMost) throws InterruptedException {
        long deadline = System.nanoTime() + atMost.toNanos();
        flights.values().forEach(flight -> flight.call().cancel());
        for (Flight flight : flights.values()) {
            if (!flight.settled().await(deadline - System.nanoTime(), TimeUnit.NANOSECONDS)) {
                return;
            }
        }
    }
}
