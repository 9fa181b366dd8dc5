//! Which ids steer the decoder: by the names that a vocabulary gives, else by the order that all of OpenAI's have.

use std::collections::HashMap;

use super::Special;

/// Languages in the order of their tokens in every multilingual vocabulary; a vocabulary holds the first so many.
#[rustfmt::skip]
const LANGUAGES: [&str; 100] = [
    "en", "zh", "de", "es", "ru", "ko", "fr", "ja", "pt", "tr", "pl", "ca", "nl", "ar", "sv", "it", "id", "hi",
    "fi", "vi", "he", "uk", "el", "ms", "cs", "ro", "da", "hu", "ta", "no", "th", "ur", "hr", "bg", "lt", "la",
    "mi", "ml", "cy", "sk", "te", "fa", "lv", "bn", "sr", "az", "sl", "kn", "et", "mk", "br", "eu", "is", "hy",
    "ne", "mn", "bs", "kk", "sq", "sw", "gl", "mr", "pa", "si", "km", "sn", "yo", "so", "af", "oc", "ka", "be",
    "tg", "sd", "gu", "am", "yi", "lo", "uz", "fo", "ht", "ps", "tk", "nn", "mt", "sa", "lb", "my", "bo", "tl",
    "mg", "as", "tt", "haw", "ln", "ha", "ba", "jw", "su", "yue",
];

/// Time tokens `<|0.00|>` to `<|30.00|>`.
const TIMES: usize = 1501;

/// `translate`, `transcribe`, `startoflm`, `startofprev`, `nospeech`, `notimestamps`.
const TASKS: usize = 6;

/// Text tokens of GPT-2's vocabulary, which the English-only models have; multilingual ones were made anew.
const ENGLISH_ONLY: usize = 50256;

/// By the order that OpenAI's vocabularies have: text, end of text, start, languages, tasks, times.
///
/// # Errors
/// The model has more or fewer tokens than that order allows.
pub(super) fn by_order(texts: usize, n_vocab: usize) -> Result<Special, String> {
    let languages = n_vocab.checked_sub(texts + 2 + TASKS + TIMES).filter(|count| *count <= LANGUAGES.len());
    let languages =
        languages.ok_or_else(|| format!("{n_vocab} tokens with {texts} of text are no whisper vocabulary"))?;
    let (end, first) = (texts as u32, texts as u32 + 2);
    let tasks = first + languages as u32;
    let codes = if texts == ENGLISH_ONLY { &[] } else { &LANGUAGES[..languages] };
    Ok(Special {
        end_of_text: end,
        start: end + 1,
        translate: tasks,
        transcribe: tasks + 1,
        previous: tasks + 3,
        no_speech: tasks + 4,
        no_timestamps: tasks + 5,
        time_begin: tasks + TASKS as u32,
        languages: codes.iter().zip(first..).map(|(code, id)| ((*code).to_owned(), id)).collect(),
    })
}

/// By the names of tokens.
///
/// # Errors
/// A name is missing, or an id lies beyond the model's tokens.
pub(super) fn by_name(ids: &HashMap<&str, u32>, n_vocab: usize) -> Result<Special, String> {
    let id = |names: &[&str]| {
        let found = names.iter().find_map(|name| ids.get(format!("<|{name}|>").as_str()).copied());
        found.ok_or_else(|| format!("the vocabulary has no token <|{}|>", names[0]))
    };
    let end_of_text = id(&["endoftext"])?;
    if !ids.contains_key("<|startoftranscript|>") {
        return by_order(end_of_text as usize, n_vocab);
    }
    let (start, translate, transcribe) = (id(&["startoftranscript"])?, id(&["translate"])?, id(&["transcribe"])?);
    let mut languages: Vec<(String, u32)> = ids
        .iter()
        .filter(|(_, id)| (start + 1..translate.min(transcribe)).contains(*id) && end_of_text as usize != ENGLISH_ONLY)
        .filter_map(|(name, id)| Some((name.strip_prefix("<|")?.strip_suffix("|>")?.to_owned(), *id)))
        .collect();
    languages.sort_by_key(|(_, id)| *id);
    let no_timestamps = id(&["notimestamps"])?;
    let special = Special {
        end_of_text,
        start,
        transcribe,
        translate,
        previous: id(&["startofprev"])?,
        no_speech: id(&["nospeech", "nocaptions"])?,
        no_timestamps,
        time_begin: id(&["0.00"]).unwrap_or(no_timestamps + 1),
        languages,
    };
    check(&special, n_vocab)?;
    Ok(special)
}

/// That every id is one of the model's.
pub(super) fn check(special: &Special, n_vocab: usize) -> Result<(), String> {
    let Special { end_of_text, start, transcribe, translate, previous, no_speech, no_timestamps, time_begin, .. } =
        special;
    let ids = [end_of_text, start, transcribe, translate, previous, no_speech, no_timestamps, time_begin];
    let languages = special.languages.iter().map(|(_, id)| id);
    let beyond = ids.into_iter().chain(languages).find(|id| **id as usize >= n_vocab || *id < end_of_text);
    if let Some(id) = beyond {
        return Err(format!("special token {id} is not among the {n_vocab} tokens of the model"));
    }
    if *time_begin as usize + TIMES > n_vocab {
        return Err(format!("time tokens from {time_begin} on are not all among the {n_vocab} tokens of the model"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn order_of_the_published_sizes() {
        let base = by_order(50257, 51865).unwrap();
        assert_eq!((base.end_of_text, base.start, base.translate, base.transcribe), (50257, 50258, 50358, 50359));
        assert_eq!((base.previous, base.no_speech, base.no_timestamps, base.time_begin), (50361, 50362, 50363, 50364));
        assert_eq!((base.languages.len(), &base.languages[1]), (99, &("zh".to_owned(), 50260)));
        let large = by_order(50257, 51866).unwrap();
        assert_eq!((large.languages.len(), large.time_begin), (100, 50365));
        assert_eq!(large.languages[99], ("yue".to_owned(), 50358));
        let english = by_order(50256, 51864).unwrap();
        assert_eq!((english.languages.len(), english.start, english.time_begin), (0, 50257, 50363));
        assert!(by_order(50257, 50300).is_err() && by_order(50257, 60000).is_err());
    }

    #[test]
    fn names_before_order() {
        let mut names = HashMap::from([("<|endoftext|>", 4)]);
        assert_eq!(by_name(&names, 4 + 2 + 2 + 6 + 1501).unwrap().languages.len(), 2);
        for (at, name) in ["startoftranscript", "en", "zh", "transcribe", "translate", "startofprev", "nocaptions"]
            .map(|name| format!("<|{name}|>"))
            .into_iter()
            .enumerate()
        {
            names.insert(name.leak(), 5 + at as u32);
        }
        assert_eq!(by_name(&names, 2000).unwrap_err(), "the vocabulary has no token <|notimestamps|>");
        names.insert("<|notimestamps|>", 12);
        let special = by_name(&names, 2000).unwrap();
        assert_eq!((special.transcribe, special.no_speech, special.time_begin), (8, 11, 13));
        assert_eq!(special.languages, [("en".to_owned(), 6), ("zh".to_owned(), 7)]);
        assert!(by_name(&names, 1000).unwrap_err().contains("time tokens"));
    }
}
