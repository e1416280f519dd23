package dev.skerry.activities.unikraft;

import dev.skerry.activities.provider.ProviderException;
import dev.skerry.activities.provider.SandboxProvider.Spec;
import dev.skerry.activities.unikraft.UnikraftApi.Item;
import dev.skerry.session.SandboxName;
import io.micrometer.observation.ObservationRegistry;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import java.util.concurrent.ThreadLocalRandom;
import java.util.function.Consumer;
import tools.jackson.databind.json.JsonMapper;

/** Tries out whether sessions could live in a metro: health, token and quotas, image, and one VM's whole life with times. */
public final class UnikraftCheck {
    private static final String INSTALLATION = "doctor";

    private final UnikraftSettings settings;
    private final UnikraftApi api;
    private final UnikraftProvider provider;
    private final Consumer<Step> tell;

    /**
     * What one step came to.
     *
     * @param text what was found, or what went wrong and what to do
     */
    public record Step(String name, boolean ok, long millis, String text) {}

    private interface Look {
        String at() throws ProviderException;
    }

    private UnikraftCheck(UnikraftSettings settings, JsonMapper mapper, Consumer<Step> tell) {
        this.settings = settings;
        this.tell = tell;
        this.api = new UnikraftApi(settings, mapper, ObservationRegistry.NOOP);
        this.provider = new UnikraftProvider(settings, INSTALLATION, mapper, ObservationRegistry.NOOP);
    }

    /** Tells each step as it is done; leaves nothing in the metro. Answers whether all is well. */
    public static boolean run(UnikraftSettings settings, JsonMapper mapper, Consumer<Step> tell) {
        UnikraftCheck check = new UnikraftCheck(settings, mapper, tell);
        boolean reachable = check.step("quotas", check::quotas);
        if (!reachable) {
            return false;
        }
        boolean healthy = check.step("health", check::health);
        boolean image = check.step("image", check::image);
        return check.life() && healthy && image;
    }

    private boolean step(String name, Look look) {
        long began = System.nanoTime();
        try {
            String found = look.at();
            tell.accept(new Step(name, true, millisSince(began), found));
            return true;
        } catch (ProviderException e) {
            tell.accept(new Step(name, false, millisSince(began), String.valueOf(e.getMessage())));
            return false;
        }
    }

    private static void nobodyWaits() {}

    private static long millisSince(long began) {
        return (System.nanoTime() - began) / 1_000_000;
    }

    private String quotas() throws ProviderException {
        OptionalInt room = provider.room();
        if (room.isPresent() && room.getAsInt() == 0) {
            throw new ProviderException.Full("Metro " + settings.metro()
                    + " has no room for another VM. Raise the account's quota, or destroy what is not needed.");
        }
        return "the token is good; room for " + (room.isPresent() ? room.getAsInt() : "an unknown number of")
                + " VMs of " + settings.memoryMb() + " MiB";
    }

    private String health() throws ProviderException {
        List<String> degraded = provider.degraded();
        if (!degraded.isEmpty()) {
            throw new ProviderException.Unknown(
                    "Metro " + settings.metro() + " calls itself degraded: " + String.join(", ", degraded) + ".", null);
        }
        return "every check is healthy or unknown";
    }

    /** The metro lists what its nodes have cached: an image that is not there yet may still be pulled at the first boot. */
    private String image() throws ProviderException {
        String wanted = settings.image().replaceFirst("^oci://", "");
        String name = wanted.replaceFirst("@.*$", "");
        for (Item item : api.items("images", "images", "GET", "images", null)) {
            String url = item.json().path("url").asString("");
            if (url.contains(name) && (!wanted.contains("@") || url.endsWith(wanted.replaceFirst("^[^@]*", "")))) {
                return url;
            }
        }
        return settings.image() + " is not cached; the first boot pulls it";
    }

    private boolean life() {
        SandboxName name = new SandboxName("skerry-" + INSTALLATION + "-"
                + HexFormat.of().toHexDigits(ThreadLocalRandom.current().nextLong()));
        Spec spec = new Spec(
                name,
                Map.of(
                        "SESSION_TOKEN", "none",
                        "CONTROL_PLANE_URL", "http://127.0.0.1:9",
                        "SESSION_ID", "ses_00000000000000000000000000"),
                List.of("skerry", "installation=" + INSTALLATION));
        boolean lived = step("create", () -> {
                    provider.create(spec, UnikraftCheck::nobodyWaits);
                    return "the VM runs";
                })
                && step("suspend", () -> {
                    provider.suspend(name, UnikraftCheck::nobodyWaits);
                    return "the VM stands by";
                })
                && step("resume", () -> {
                    provider.resume(name, UnikraftCheck::nobodyWaits);
                    return "the VM runs again";
                });
        boolean gone = step("delete", () -> {
            provider.destroy(name, UnikraftCheck::nobodyWaits);
            return "the VM is gone";
        });
        return lived && gone;
    }
}
