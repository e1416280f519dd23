package dev.skerry.controlplane.identity;

import dev.skerry.controlplane.problem.RefusedException;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.lang.reflect.RecordComponent;
import java.lang.reflect.Type;
import java.util.Arrays;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.springframework.core.MethodParameter;
import org.springframework.http.HttpHeaders;
import org.springframework.http.HttpInputMessage;
import org.springframework.http.converter.HttpMessageConverter;
import org.springframework.web.bind.annotation.ControllerAdvice;
import org.springframework.web.servlet.mvc.method.annotation.RequestBodyAdviceAdapter;
import tools.jackson.core.JacksonException;
import tools.jackson.core.JsonParser;
import tools.jackson.core.JsonToken;
import tools.jackson.databind.json.JsonMapper;

/**
 * Refuses a sandbox's body that has a field the call does not: a session, a model, a cost or a system prompt is not a sandbox's to
 * name, and ignoring one would hide the attempt.
 */
@ControllerAdvice
class DocumentedFields extends RequestBodyAdviceAdapter {
    private static final Pattern INNER_CAPITAL = Pattern.compile("(?<=[a-z0-9])(?=[A-Z])");

    private final JsonMapper json;
    private final Map<Class<?>, Set<String>> fields = new ConcurrentHashMap<>();

    DocumentedFields(JsonMapper json) {
        this.json = json;
    }

    @Override
    public boolean supports(MethodParameter parameter, Type type, Class<? extends HttpMessageConverter<?>> converter) {
        return parameter.getParameterType().isRecord()
                && (parameter.getParameterType() == Hello.class
                        || Arrays.asList(parameter.getExecutable().getParameterTypes())
                                .contains(Caller.class));
    }

    @Override
    public HttpInputMessage beforeBodyRead(
            HttpInputMessage message,
            MethodParameter parameter,
            Type type,
            Class<? extends HttpMessageConverter<?>> converter)
            throws IOException {
        byte[] body = message.getBody().readAllBytes();
        check(body, fields.computeIfAbsent(parameter.getParameterType(), DocumentedFields::fieldsOf));
        return new Read(body, message.getHeaders());
    }

    private static Set<String> fieldsOf(Class<?> record) {
        return Arrays.stream(record.getRecordComponents())
                .map(RecordComponent::getName)
                .map(name -> INNER_CAPITAL.matcher(name).replaceAll("_").toLowerCase(Locale.ROOT))
                .collect(Collectors.toUnmodifiableSet());
    }

    private void check(byte[] body, Set<String> known) {
        try (JsonParser parser = json.createParser(body)) {
            if (parser.nextToken() != JsonToken.START_OBJECT) {
                return;
            }
            while (parser.nextToken() == JsonToken.PROPERTY_NAME) {
                if (!known.contains(parser.currentName())) {
                    throw RefusedException.invalid("This call has no such field. Its fields are: "
                            + known.stream().sorted().collect(Collectors.joining(", ")) + ".");
                }
                parser.nextToken();
                parser.skipChildren();
            }
        } catch (JacksonException e) {
            return;
        }
    }

    private record Read(byte[] bytes, HttpHeaders headers) implements HttpInputMessage {
        @Override
        public InputStream getBody() {
            return new ByteArrayInputStream(bytes);
        }

        @Override
        public HttpHeaders getHeaders() {
            return headers;
        }
    }
}
