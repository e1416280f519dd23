package dev.skerry.controlplane.broker;

import dev.skerry.controlplane.credential.Credential;
import dev.skerry.controlplane.credential.Injection;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import okhttp3.MediaType;
import okhttp3.Request;
import okhttp3.RequestBody;
import org.jspecify.annotations.Nullable;
import software.amazon.awssdk.http.ContentStreamProvider;
import software.amazon.awssdk.http.SdkHttpMethod;
import software.amazon.awssdk.http.SdkHttpRequest;
import software.amazon.awssdk.http.auth.aws.signer.AwsV4HttpSigner;
import software.amazon.awssdk.http.auth.spi.signer.SignedRequest;
import software.amazon.awssdk.identity.spi.AwsCredentialsIdentity;

/**
 * A request with its credential in it, and every text in which the credential could come back.
 *
 * @param secrets never to be shown to a sandbox
 */
record Injected(Request request, List<String> secrets) {
    private static final String AUTHORIZATION = "Authorization";

    static Injected of(Outgoing outgoing, @Nullable Credential credential) {
        Request.Builder request = new Request.Builder().url(outgoing.url()).method(outgoing.method(), body(outgoing));
        outgoing.headers().forEach(request::header);
        List<String> secrets = new ArrayList<>();
        if (credential != null) {
            secrets.add(credential.value());
            inject(credential, outgoing, request, secrets);
        }
        return new Injected(request.build(), List.copyOf(secrets));
    }

    private static @Nullable RequestBody body(Outgoing outgoing) {
        boolean bodiless = outgoing.body().length == 0
                && switch (outgoing.method()) {
                    case "POST", "PUT", "PATCH" -> false;
                    default -> true;
                };
        String type = outgoing.headers().get("Content-Type");
        return bodiless ? null : RequestBody.create(outgoing.body(), type == null ? null : MediaType.parse(type));
    }

    private static void inject(
            Credential credential, Outgoing outgoing, Request.Builder request, List<String> secrets) {
        switch (credential.injection()) {
            case Injection.Header(String name, String prefix) -> {
                secrets.add(prefix + credential.value());
                request.header(name, prefix + credential.value());
            }
            case Injection.Basic(String username) -> {
                String pair = Base64.getEncoder()
                        .encodeToString((username + ":" + credential.value()).getBytes(StandardCharsets.UTF_8));
                secrets.add(pair);
                request.header(AUTHORIZATION, "Basic " + pair);
            }
            case Injection.Query(String name) ->
                request.url(outgoing.url()
                        .newBuilder()
                        .setQueryParameter(name, credential.value())
                        .build());
            case Injection.SigV4 aws -> sign(aws, credential.value(), outgoing, request, secrets);
        }
    }

    private static void sign(
            Injection.SigV4 aws, String key, Outgoing outgoing, Request.Builder request, List<String> secrets) {
        SdkHttpRequest.Builder unsigned = SdkHttpRequest.builder()
                .method(SdkHttpMethod.fromValue(outgoing.method()))
                .uri(URI.create(outgoing.url().toString()));
        outgoing.headers().forEach(unsigned::putHeader);
        SignedRequest signed = AwsV4HttpSigner.create()
                .sign(sign -> sign.identity(AwsCredentialsIdentity.create(aws.accessKeyId(), key))
                        .request(unsigned.build())
                        .payload(ContentStreamProvider.fromByteArray(outgoing.body()))
                        .putProperty(AwsV4HttpSigner.SERVICE_SIGNING_NAME, aws.service())
                        .putProperty(AwsV4HttpSigner.REGION_NAME, aws.region())
                        .putProperty(
                                AwsV4HttpSigner.DOUBLE_URL_ENCODE,
                                !aws.service().equals("s3")));
        for (Map.Entry<String, List<String>> header : signed.request().headers().entrySet()) {
            if (!header.getKey().equalsIgnoreCase("Host")) {
                request.header(header.getKey(), header.getValue().getFirst());
            }
        }
        signed.request().firstMatchingHeader(AUTHORIZATION).ifPresent(secrets::add);
    }
}
