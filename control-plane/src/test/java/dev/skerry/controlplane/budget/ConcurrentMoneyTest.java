package dev.skerry.controlplane.budget;

import static org.assertj.core.api.Assertions.assertThat;

import dev.skerry.controlplane.ControlPlaneProcess;
import dev.skerry.controlplane.ControlPlaneTest;
import dev.skerry.controlplane.Sandbox;
import dev.skerry.controlplane.TestingModelServer.Received;
import dev.skerry.controlplane.TestingModelServer.Reply;
import dev.skerry.controlplane.TestingModels;
import dev.skerry.controlplane.World;
import dev.skerry.store.Ledger;
import dev.skerry.store.Ledger.Balance;
import java.io.IOException;
import java.io.InputStream;
import java.net.Socket;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.IntUnaryOperator;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.MethodOrderer;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestMethodOrder;
import org.springframework.beans.factory.annotation.Autowired;
import org.springframework.core.env.Environment;

/** Two hundred calls at once, through two control planes that are processes of their own, on a budget for fifty. */
@ControlPlaneTest
@TestMethodOrder(MethodOrderer.OrderAnnotation.class)
class ConcurrentMoneyTest {
    private static final int CALLS = 200;
    private static final int COVERED = 50;
    private static final int GONE = -1;
    private static final long SEED = System.nanoTime();
    private static final String PATH = "/sandbox/v1/llm/anthropic/v1/messages";

    private static final AtomicInteger NUMBERS = new AtomicInteger();

    private static ControlPlaneProcess first;
    private static ControlPlaneProcess second;

    @Autowired
    World world;

    @Autowired
    Ledger ledger;

    private Sandbox sandbox;
    private long worstCase;

    @BeforeAll
    static void startTwoProcesses(@Autowired Environment environment) {
        first = start(environment);
        second = start(environment);
        first.awaitReady();
        second.awaitReady();
    }

    @BeforeEach
    void reviveTheSecond() {
        if (!second.process().isAlive()) {
            second.restart();
        }
    }

    private static ControlPlaneProcess start(Environment environment) {
        return ControlPlaneProcess.launch(
                environment,
                Map.of(
                        "skerry.control-plane.limits.requests",
                        1000,
                        "skerry.db.pool-size",
                        20,
                        "skerry.models.anthropic-key",
                        TestingModels.ANTHROPIC_KEY,
                        "skerry.models.anthropic-base-url",
                        TestingModels.origin()));
    }

    @AfterAll
    static void stop() {
        first.close();
        second.close();
    }

    @Test
    @Order(1)
    void atMostFiftyPassAndTheLedgerIsExact() throws Exception {
        AtomicInteger inFlight = new AtomicInteger();
        CountDownLatch decided = new CountDownLatch(CALLS - COVERED);
        String marker = TestingModels.marker(received -> {
            inFlight.incrementAndGet();
            await(decided);
            return TestingModels.answer(received);
        });
        budgetFor(marker);

        List<Integer> statuses = call(call -> {
            int status = send(call % 2 == 0 ? first : second, marker, false);
            if (status != 200) {
                decided.countDown();
            }
            return status;
        });

        assertThat(statuses)
                .containsOnly(200, 402)
                .filteredOn(status -> status == 200)
                .hasSize(COVERED);
        assertThat(inFlight).hasValue(COVERED);
        assertThat(ledger.balance(sandbox.session()))
                .isEqualTo(new Balance(COVERED * worstCase, 0, COVERED * TestingModels.ANTHROPIC_COST));
        assertThat(ledger.discrepancies()).isEmpty();
    }

    @Test
    @Order(2)
    void theLedgerIsExactWhateverBreaks() throws Exception {
        AtomicInteger whole = new AtomicInteger();
        String marker = TestingModels.marker(received -> breaking(received, whole));
        budgetFor(marker);
        Random random = new Random(SEED);
        CountDownLatch some = new CountDownLatch(20 + random.nextInt(40));
        Thread killer = Thread.ofVirtual().start(() -> {
            await(some);
            second.kill();
        });

        List<Integer> statuses = call(call -> {
            int status = send(call % 2 == 0 ? first : second, marker, call % 5 == 0);
            some.countDown();
            return status;
        });
        killer.join();

        String why = "seed " + SEED + ", statuses " + statuses;
        Awaitility.await()
                .atMost(Duration.ofMinutes(1))
                .pollInterval(Duration.ofMillis(200))
                .untilAsserted(
                        () -> assertThat(ledger.balance(sandbox.session()).reservedNanoUsd())
                                .as(why)
                                .isZero());
        Balance balance = ledger.balance(sandbox.session());
        assertThat(balance.spentNanoUsd())
                .as(why)
                .isBetween(whole.get() * TestingModels.ANTHROPIC_COST, balance.capNanoUsd());
        assertThat(count("state = 'reserved'")).as(why).isZero();
        assertThat(count("outcome = 'completed' and cost_nano_usd <> " + TestingModels.ANTHROPIC_COST))
                .as(why)
                .isZero();
        assertThat(count("outcome = 'abandoned' and cost_nano_usd <> reserved_nano_usd"))
                .as(why)
                .isZero();
        assertThat(count("cost_nano_usd > reserved_nano_usd")).as(why).isZero();
        assertThat(count("true"))
                .as(why)
                .isGreaterThanOrEqualTo(TestingModels.received(marker).size());
        assertThat(ledger.discrepancies()).as(why).isEmpty();
    }

    private Reply breaking(Received received, AtomicInteger whole) {
        List<String> events = TestingModels.events(received);
        int what = Math.floorMod(received.text().hashCode(), 16);
        Duration pause = Duration.ofMillis(30);
        return switch (what) {
            case 0 -> Reply.json(500, "{}").after(pause);
            case 1, 2 -> Reply.json(429, "{}").after(pause);
            case 3 -> Reply.events(events.subList(0, 3)).slowly(pause).thenReset();
            case 4 -> Reply.nothing();
            default -> {
                whole.incrementAndGet();
                yield Reply.events(events).slowly(pause);
            }
        };
    }

    /** Makes a session whose cap is what fifty such calls may cost at most. */
    private void budgetFor(String marker) {
        Sandbox probe = begin(World.DOLLAR);
        probe.post("/llm/anthropic/v1/messages", body(marker.replace("marker", "probed")));
        worstCase = world.jdbc()
                .sql("select reserved_nano_usd from model_calls where session_id = ?")
                .param(probe.session())
                .query(Long.class)
                .single();
        sandbox = begin(COVERED * worstCase);
    }

    private Sandbox begin(long cap) {
        Sandbox made = world.boot(world.session("rehearsal", cap), 1);
        world.give(made, world.turn(made.session(), "Go on."));
        return made;
    }

    private static List<Integer> call(IntUnaryOperator call) throws Exception {
        List<Integer> statuses = new ArrayList<>();
        try (var threads = Executors.newVirtualThreadPerTaskExecutor()) {
            List<Future<Integer>> calls = new ArrayList<>();
            for (int i = 0; i < CALLS; i++) {
                int number = i;
                calls.add(threads.submit(() -> call.applyAsInt(number)));
            }
            for (Future<Integer> made : calls) {
                statuses.add(made.get());
            }
        }
        return statuses;
    }

    /** Always of the same length, and never the same. */
    private static String body(String marker) {
        return "{\"model\":\"" + TestingModels.ANTHROPIC_MODEL + "\",\"max_tokens\":1000,\"stream\":true,"
                + "\"messages\":[{\"role\":\"user\",\"content\":\"" + marker + " "
                + (1000 + NUMBERS.incrementAndGet() % 9000) + "\"}]}";
    }

    /** Answers the status, or that the connection broke; leaves after the first bytes if it is {@code hasty}. */
    private int send(ControlPlaneProcess to, String marker, boolean hasty) {
        byte[] body = body(marker).getBytes(StandardCharsets.UTF_8);
        URI origin = URI.create(to.sandboxOrigin());
        try (Socket socket = new Socket(origin.getHost(), origin.getPort())) {
            socket.setSoTimeout(60_000);
            socket.getOutputStream()
                    .write(("POST " + PATH
                                    + " HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: application/json\r\n"
                                    + "Authorization: Bearer " + sandbox.token() + "\r\nContent-Length: " + body.length
                                    + "\r\n\r\n" + new String(body, StandardCharsets.UTF_8))
                            .getBytes(StandardCharsets.UTF_8));
            InputStream in = socket.getInputStream();
            String status = new String(in.readNBytes(12), StandardCharsets.UTF_8);
            if (hasty) {
                socket.setSoLinger(true, 0);
            } else {
                in.readAllBytes();
            }
            return status.length() < 12 ? GONE : Integer.parseInt(status.substring(9));
        } catch (IOException e) {
            return GONE;
        }
    }

    private int count(String condition) {
        return world.jdbc()
                .sql("select count(*) from model_calls where session_id = ? and " + condition)
                .param(sandbox.session())
                .query(Integer.class)
                .single();
    }

    private static void await(CountDownLatch latch) {
        try {
            latch.await();
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }
}
