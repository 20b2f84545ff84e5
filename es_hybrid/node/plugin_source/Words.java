package eshybrid;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.UnaryOperator;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.apache.lucene.util.ClasspathResourceLoader;
import org.apache.lucene.util.ResourceLoader;
import org.elasticsearch.common.settings.Settings;
import org.elasticsearch.env.Environment;
import org.elasticsearch.index.analysis.Analysis;

/** Gives Lucene's factories the words of the settings where they ask for a file. */
final class Words implements ResourceLoader {
    /** A kind of parameter -> a line of Elasticsearch's format in Lucene's. */
    static final Map<String, UnaryOperator<String>> FORMATS = Map.of(
        "words", word -> word,
        "rules", Words::stems,
        "mappings", Words::mapping);

    private final Map<String, String> texts = new HashMap<>();
    private final Environment environment;
    private final ResourceLoader classes = new ClasspathResourceLoader(Words.class);

    Words(Environment environment) {
        this.environment = environment;
    }

    /** Keeps the words of the settings or of their file; returns the name to open them by. */
    Optional<String> read(Component.Parameter parameter, Settings settings) {
        String name = parameter.name();
        List<String> lines = Analysis.getWordList(environment, settings, name);
        if (lines == null) {
            return Optional.empty();
        }
        UnaryOperator<String> format = FORMATS.get(parameter.kind());
        texts.put(name, lines.stream().map(format).collect(Collectors.joining("\n")));
        return Optional.of(name);
    }

    @Override
    public InputStream openResource(String name) throws IOException {
        String text = texts.get(name);
        return text == null
            ? Files.newInputStream(environment.configDir().resolve(name))
            : new ByteArrayInputStream(text.getBytes(StandardCharsets.UTF_8));
    }

    @Override
    public <T> Class<? extends T> findClass(String name, Class<T> expected) {
        return classes.findClass(name, expected);
    }

    /** `running, runs => run` -> `running TAB run` and so on. */
    private static String stems(String rule) {
        String[] sides = sides(rule);
        return Stream.of(sides[0].split(","))
            .map(word -> word.strip() + "\t" + sides[1])
            .collect(Collectors.joining("\n"));
    }

    /** `a => b` -> `"a" => "b"`. */
    private static String mapping(String rule) {
        String[] sides = sides(rule);
        return quoted(sides[0]) + " => " + quoted(sides[1]);
    }

    private static String quoted(String text) {
        return '"' + text.replace("\"", "\\\"") + '"';
    }

    private static String[] sides(String rule) {
        String[] sides = rule.split("=>", -1);
        if (sides.length != 2) {
            throw new IllegalArgumentException("[" + rule + "] is not of the form [a => b]");
        }
        return new String[] {sides[0].strip(), sides[1].strip()};
    }
}
