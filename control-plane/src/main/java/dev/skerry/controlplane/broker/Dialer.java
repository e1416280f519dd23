package dev.skerry.controlplane.broker;

import dev.skerry.controlplane.problem.Refusal;
import dev.skerry.controlplane.problem.RefusedException;
import java.io.IOException;
import java.net.InetAddress;
import java.net.Proxy;
import java.net.UnknownHostException;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicBoolean;
import okhttp3.Call;
import okhttp3.ConnectionPool;
import okhttp3.EventListener;
import okhttp3.HttpUrl;
import okhttp3.OkHttpClient;
import okhttp3.Request;
import okhttp3.Response;

/**
 * Looks a host up once, checks every address that it has, and connects to those and no others: what a name means a moment later does
 * not matter. Each request has a connection of its own and is sent once.
 */
final class Dialer {
    private static final Duration LOOKUP = Duration.ofSeconds(5);
    private static final Duration CONNECT = Duration.ofSeconds(10);

    private final Resolver resolver;
    private final AddressGuard guard;
    private final ExecutorService lookups = Executors.newVirtualThreadPerTaskExecutor();
    private final OkHttpClient client = new OkHttpClient.Builder()
            .proxy(Proxy.NO_PROXY)
            .followRedirects(false)
            .followSslRedirects(false)
            .retryOnConnectionFailure(false)
            .connectTimeout(CONNECT)
            .connectionPool(new ConnectionPool(0, 1, TimeUnit.SECONDS))
            .build();

    Dialer(Resolver resolver, AddressGuard guard) {
        this.resolver = resolver;
        this.guard = guard;
    }

    /** What is done with a response while its connection is open. */
    interface Reader<T> {
        T read(Response response) throws IOException;
    }

    /** Throws {@link RefusedException} when the host has an address that is not public, before anything is sent. */
    <T> T exchange(Request request, Duration deadline, Reader<T> reader) throws Unreachable {
        List<InetAddress> addresses = validated(request.url());
        AtomicBoolean sent = new AtomicBoolean();
        OkHttpClient pinned = client.newBuilder()
                .dns(host -> addresses)
                .callTimeout(deadline)
                .readTimeout(deadline)
                .writeTimeout(deadline)
                .eventListener(new EventListener() {
                    @Override
                    public void requestHeadersStart(Call call) {
                        sent.set(true);
                    }
                })
                .addNetworkInterceptor(chain -> {
                    var connection = chain.connection();
                    InetAddress dialled =
                            connection == null ? null : connection.socket().getInetAddress();
                    if (dialled == null || !addresses.contains(dialled)) {
                        throw new IOException("connected to an address that was not validated");
                    }
                    return chain.proceed(chain.request());
                })
                .build();
        try (Response response = pinned.newCall(request).execute()) {
            return reader.read(response);
        } catch (IOException e) {
            throw new Unreachable(
                    request.url().host() + " did not answer (" + e.getClass().getSimpleName() + ").", sent.get(), e);
        }
    }

    private List<InetAddress> validated(HttpUrl url) throws Unreachable {
        List<InetAddress> addresses = lookup(url.host());
        if (addresses.isEmpty() || !addresses.stream().allMatch(address -> guard.allows(address, url.port()))) {
            throw new RefusedException(new Refusal.Denied(
                    "The host " + url.host() + " has an address that is not on the public internet."));
        }
        return addresses;
    }

    private List<InetAddress> lookup(String host) throws Unreachable {
        Future<List<InetAddress>> lookup = lookups.submit(() -> resolver.lookup(host));
        try {
            return lookup.get(LOOKUP.toMillis(), TimeUnit.MILLISECONDS);
        } catch (ExecutionException | TimeoutException e) {
            lookup.cancel(true);
            Throwable cause = e instanceof ExecutionException && e.getCause() != null ? e.getCause() : e;
            String why = cause instanceof UnknownHostException ? "is not known" : "could not be looked up";
            throw new Unreachable("The host " + host + " " + why + ".", false, cause);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new Unreachable("The lookup of " + host + " was interrupted.", false, e);
        }
    }
}
