package dev.skerry.metro;

import dev.skerry.metro.Fault.Scope;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicLong;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The rules by which this metro misbehaves; none unless somebody who may made one. */
final class Faults {
    private static final Logger log = LoggerFactory.getLogger(Faults.class);

    private final List<FaultRule> rules = new CopyOnWriteArrayList<>();
    private final AtomicLong ids = new AtomicLong();
    private final Random random;

    Faults(long seed) {
        this.random = new Random(seed);
    }

    FaultRule add(Fields fields) throws ItemException {
        FaultRule rule = FaultRule.of("f" + ids.incrementAndGet(), fields, System.currentTimeMillis());
        rules.add(rule);
        log.info("fault {} is armed as {}", rule.fault().wire(), rule.id());
        return rule;
    }

    List<FaultRule> rules() {
        return List.copyOf(rules);
    }

    boolean armed(Fault fault) {
        return rules.stream()
                .anyMatch(rule -> rule.fault() == fault && rule.left().get() > 0);
    }

    boolean remove(String id) {
        return rules.removeIf(rule -> rule.id().equals(id));
    }

    void clear() {
        rules.clear();
    }

    /** The rule that strikes on this occasion, if any; an occasion that is hit counts. */
    Optional<FaultRule> strike(Scope scope, String operation, String name) {
        for (FaultRule rule : rules) {
            if (rule.fault().scope() == scope && rule.concerns(operation, name) && hits(rule)) {
                log.info("fault {} ({}) strikes {} {}", rule.fault().wire(), rule.id(), operation, name);
                return Optional.of(rule);
            }
        }
        return Optional.empty();
    }

    private synchronized boolean hits(FaultRule rule) {
        if (rule.fault() == Fault.IMAGE_SLOW && System.currentTimeMillis() > rule.madeAtMillis() + rule.delayMillis()) {
            rules.remove(rule);
            return false;
        }
        if (rule.left().get() <= 0 || random.nextDouble() >= rule.probability()) {
            return false;
        }
        rule.fired().incrementAndGet();
        rule.left().decrementAndGet();
        return true;
    }

    /** The failure of one item, if a rule wants one. */
    void failItem(String operation, String name) throws ItemException {
        Optional<FaultRule> rule = strike(Scope.ITEM, operation, name);
        if (rule.isEmpty()) {
            return;
        }
        throw switch (rule.get().fault()) {
            case BUSY -> new ItemException(ItemException.OPERATION_FAILED, "Unknown error -16 (EBUSY)");
            case QUOTA -> new ItemException(ItemException.QUOTA, "Failed to allocate instance. Quota exceeded");
            default -> new ItemException(rule.get().code(), rule.get().message());
        };
    }

    static void pause(long millis) {
        try {
            Thread.sleep(millis);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
