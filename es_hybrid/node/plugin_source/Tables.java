package eshybrid;

import java.util.Map;
import java.util.stream.Collectors;

/**
 * Elasticsearch's names of what Lucene's factories build, and their parameters.
 *
 * <p>A line: name, flags, Lucene's name with fixed arguments, parameters. Flags: `n` is allowed in a
 * normalizer, `s` splits words and so cannot parse synonyms, `r` requires parameters, `-` none. A
 * parameter `name=other:kind!default` is Lucene's `other` (if omitted, `name` in camel case), of a
 * kind of {@link Component} (if omitted, copied).
 */
final class Tables {
    static final String TOKEN_FILTERS = """
        apostrophe                 - apostrophe
        arabic_normalization       n arabicNormalization
        asciifolding               n asciiFolding            preserve_original:bool
        bengali_normalization      n bengaliNormalization
        cjk_bigram                 s cjkBigram               ignored_scripts:off output_unigrams:bool
        cjk_width                  n cjkWidth
        classic                    - classic
        common_grams               rs commonGrams            common_words=words:words ignore_case:bool
        decimal_digit              n decimalDigit
        dictionary_decompounder    rs dictionaryCompoundWord word_list=dictionary:words min_word_size!5 min_subword_size!2 max_subword_size!15 only_longest_match:bool!false
        edge_ngram                 s edgeNGram               min_gram=minGramSize!1 max_gram=maxGramSize!2 preserve_original:bool
        elision                    n elision                 articles:words articles_case=ignoreCase:bool
        fingerprint                s fingerprint             separator max_output_size=maxOutputTokenSize
        flatten_graph              - flattenGraph
        german_normalization       n germanNormalization
        hindi_normalization        n hindiNormalization
        hyphenation_decompounder   rs hyphenationCompoundWord word_list=dictionary:words hyphenation_patterns_path=hyphenator:file min_word_size!5 min_subword_size!2 max_subword_size!15 only_longest_match:bool!false no_sub_matches:bool no_overlapping_matches:bool
        indic_normalization        n indicNormalization
        keep                       r keepWord                keep_words=words:words keep_words_case=ignoreCase:bool
        keep_types                 r type                    types:words mode=useWhitelist:include!include
        keyword_marker             r keywordMarker           keywords=protected:words keywords_pattern=pattern ignore_case:bool
        keyword_repeat             s keywordRepeat
        kstem                      - kStem
        length                     - length                  min!0 max!2147483647
        limit                      - limitTokenCount         max_token_count!1 consume_all_tokens:bool
        lowercase                  n lowercase               language:lowercase
        ngram                      s nGram                   min_gram=minGramSize!1 max_gram=maxGramSize!2 preserve_original:bool
        norwegian_normalization    n norwegianNormalization
        pattern_replace            rn patternReplace         pattern replacement all=replace:all
        persian_normalization      n persianNormalization
        persian_stem               - persianStem
        porter_stem                - porterStem
        remove_duplicates          - removeDuplicates
        reverse                    - reverseString
        scandinavian_folding       n scandinavianFolding
        scandinavian_normalization n scandinavianNormalization
        serbian_normalization      n serbianNormalization
        snowball                   - snowballPorter          language:capital
        sorani_normalization       n soraniNormalization
        stemmer                    - porterStem              language:stemmer name:stemmer
        stemmer_override           r stemmerOverride         rules=dictionary:rules
        trim                       n trim
        truncate                   - truncate                length=prefixLength!10
        unique                     - unique                  only_on_same_position:bool
        uppercase                  n uppercase
        word_delimiter             s wordDelimiter           generate_word_parts:bit generate_number_parts:bit catenate_words:bit catenate_numbers:bit catenate_all:bit split_on_case_change:bit split_on_numerics:bit preserve_original:bit stem_english_possessive:bit protected_words=protected:words type_table=types:words
        word_delimiter_graph       s wordDelimiterGraph      generate_word_parts:bit generate_number_parts:bit catenate_words:bit catenate_numbers:bit catenate_all:bit split_on_case_change:bit split_on_numerics:bit preserve_original:bit stem_english_possessive:bit protected_words=protected:words type_table=types:words adjust_offsets:bool ignore_keywords:bool
        """;

    static final String TOKENIZERS = """
        classic              - classic            max_token_length
        keyword              - keyword
        letter               - letter
        path_hierarchy       - pathHierarchy      delimiter replacement=replace reverse:bool skip
        pattern              - pattern            pattern!\\W+ group!-1
        simple_pattern       r simplePattern      pattern
        simple_pattern_split r simplePatternSplit pattern
        thai                 - thai
        uax_url_email        - uax29UrlEmail      max_token_length
        whitespace           - whitespace         max_token_length=maxTokenLen
        """;

    static final String CHAR_FILTERS = """
        html_strip      -  htmlStrip      escaped_tags:list
        mapping         rn mapping        mappings=mapping:mappings
        pattern_replace rn patternReplace pattern replacement
        """;

    /** The `language` of `lowercase` -> Lucene's name. */
    static final String LOWERCASE = """
        greek   greekLowercase
        irish   irishLowercase
        turkish turkishLowercase
        """;

    /** The `language` of `stemmer` -> Lucene's name with fixed arguments. */
    static final String STEMMERS = """
        arabic             arabicStem
        armenian           snowballPorter(language=Armenian)
        basque             snowballPorter(language=Basque)
        bengali            bengaliStem
        brazilian          brazilianStem
        bulgarian          bulgarianStem
        catalan            snowballPorter(language=Catalan)
        czech              czechStem
        danish             snowballPorter(language=Danish)
        dutch              snowballPorter(language=Dutch)
        english            porterStem
        estonian           snowballPorter(language=Estonian)
        finnish            snowballPorter(language=Finnish)
        french             snowballPorter(language=French)
        galician           galicianStem
        german             snowballPorter(language=German)
        german2            snowballPorter(language=German)
        greek              greekStem
        hindi              hindiStem
        hungarian          snowballPorter(language=Hungarian)
        indonesian         indonesianStem
        irish              snowballPorter(language=Irish)
        italian            snowballPorter(language=Italian)
        kstem              kStem
        latvian            latvianStem
        light_english      kStem
        light_finnish      finnishLightStem
        light_french       frenchLightStem
        light_german       germanLightStem
        light_hungarian    hungarianLightStem
        light_italian      italianLightStem
        light_norwegian    norwegianLightStem
        light_nynorsk      norwegianLightStem(variant=nn)
        light_portuguese   portugueseLightStem
        light_russian      russianLightStem
        light_spanish      spanishLightStem
        light_swedish      swedishLightStem
        lithuanian         snowballPorter(language=Lithuanian)
        minimal_english    englishMinimalStem
        minimal_french     frenchMinimalStem
        minimal_galician   galicianMinimalStem
        minimal_german     germanMinimalStem
        minimal_norwegian  norwegianMinimalStem
        minimal_nynorsk    norwegianMinimalStem(variant=nn)
        minimal_portuguese portugueseMinimalStem
        norwegian          snowballPorter(language=Norwegian)
        persian            persianStem
        porter             porterStem
        porter2            snowballPorter(language=English)
        portuguese         snowballPorter(language=Portuguese)
        portuguese_rslp    portugueseStem
        possessive_english englishPossessive
        romanian           snowballPorter(language=Romanian)
        russian            snowballPorter(language=Russian)
        serbian            snowballPorter(language=Serbian)
        sorani             soraniStem
        spanish            snowballPorter(language=Spanish)
        spanish_plural     spanishPluralStem
        swedish            snowballPorter(language=Swedish)
        turkish            snowballPorter(language=Turkish)
        """;

    /** Analyzers of languages -> their classes in Lucene. */
    static final String ANALYZERS = """
        arabic     ar.ArabicAnalyzer
        armenian   hy.ArmenianAnalyzer
        basque     eu.BasqueAnalyzer
        bengali    bn.BengaliAnalyzer
        brazilian  br.BrazilianAnalyzer
        bulgarian  bg.BulgarianAnalyzer
        catalan    ca.CatalanAnalyzer
        cjk        cjk.CJKAnalyzer
        czech      cz.CzechAnalyzer
        danish     da.DanishAnalyzer
        dutch      nl.DutchAnalyzer
        english    en.EnglishAnalyzer
        estonian   et.EstonianAnalyzer
        finnish    fi.FinnishAnalyzer
        french     fr.FrenchAnalyzer
        galician   gl.GalicianAnalyzer
        german     de.GermanAnalyzer
        greek      el.GreekAnalyzer
        hindi      hi.HindiAnalyzer
        hungarian  hu.HungarianAnalyzer
        indonesian id.IndonesianAnalyzer
        irish      ga.IrishAnalyzer
        italian    it.ItalianAnalyzer
        latvian    lv.LatvianAnalyzer
        lithuanian lt.LithuanianAnalyzer
        norwegian  no.NorwegianAnalyzer
        persian    fa.PersianAnalyzer
        portuguese pt.PortugueseAnalyzer
        romanian   ro.RomanianAnalyzer
        russian    ru.RussianAnalyzer
        serbian    sr.SerbianAnalyzer
        sorani     ckb.SoraniAnalyzer
        spanish    es.SpanishAnalyzer
        swedish    sv.SwedishAnalyzer
        thai       th.ThaiAnalyzer
        turkish    tr.TurkishAnalyzer
        """;

    /** The two columns of a table. */
    static Map<String, String> pairs(String table) {
        return table.lines()
            .map(line -> line.split(" +"))
            .collect(Collectors.toMap(pair -> pair[0], pair -> pair[1]));
    }

    private Tables() {}
}
