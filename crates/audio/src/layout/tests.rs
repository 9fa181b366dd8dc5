use super::*;
use crate::level::LevelProbe;

fn noise(seed: u32, frames: usize, level: f32) -> Vec<f32> {
    let mut state = seed;
    let mut last = 0.0;
    (0..frames)
        .map(|_| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            last = 0.6 * last + 0.4 * ((state >> 8) as f32 / 8_388_608.0 - 1.0);
            level * last
        })
        .collect()
}

/// Bursts of one "speaker" in even or odd seconds over a quiet line.
fn speaker(seed: u32, odd: usize, frames: usize) -> Vec<f32> {
    let line = noise(seed + 100, frames, 0.0003);
    let voice = noise(seed, frames, 0.3);
    let speaks = |n: usize| n / 8000 % 2 == odd && n % 2000 < 1600;
    (0..frames).map(|n| line[n] + if speaks(n) { voice[n] } else { 0.0 }).collect()
}

fn mix(a: &[f32], b: &[f32], gain: f32) -> Vec<f32> {
    a.iter().zip(b).map(|(a, b)| a + gain * b).collect()
}

fn verdict(left: &[f32], right: &[f32]) -> (ChannelLayout, Option<usize>) {
    let mut comparison = Comparison::new(8000);
    let mut probes = [LevelProbe::new(8000), LevelProbe::new(8000)];
    for (l, r) in left.iter().zip(right) {
        comparison.push(*l, *r);
        probes[0].push(*l);
        probes[1].push(*r);
    }
    let [left, right] = probes.map(LevelProbe::finish);
    let found = comparison.finish([&left, &right]);
    (found.layout, found.only)
}

#[test]
fn copies_are_fake_stereo_whatever_their_level_sign_or_lag() {
    let mono = mix(&speaker(1, 0, 160_000), &speaker(2, 1, 160_000), 1.0);
    let late = |samples: usize| [vec![0.0; samples], mono.clone()].concat();
    let scaled = |gain: f32| mono.iter().map(|s| gain * s).collect::<Vec<_>>();
    let hiss = noise(9, mono.len(), 0.001);
    for (what, right, only) in [
        ("same", mono.clone(), 0),
        ("inverted", scaled(-0.7), 0),
        ("-20 dB", scaled(0.1), 0),
        ("+6 dB", scaled(2.0), 1),
        ("25 ms", late(200), 0),
        ("200 ms", late(1600), 0),
        ("hissing", mix(&scaled(0.5), &hiss, 1.0), 0),
    ] {
        assert_eq!(verdict(&mono, &right), (ChannelLayout::FakeStereo, Some(only)), "{what}");
    }
    assert_eq!(verdict(&late(900), &mono).0, ChannelLayout::FakeStereo, "the left is late");
}

#[test]
fn two_speakers_are_stereo_even_with_cross_talk_and_few_words() {
    let (a, b) = (speaker(1, 0, 160_000), speaker(2, 1, 160_000));
    assert_eq!(verdict(&mix(&a, &b, 0.18), &mix(&b, &a, 0.18)), (ChannelLayout::Stereo, None));
    let mut word = noise(7, a.len(), 0.0003);
    word[90_000..93_200].copy_from_slice(&noise(8, 3_200, 0.2));
    assert_eq!(verdict(&a, &word), (ChannelLayout::Stereo, None), "one word of 0.4 s");
    assert_eq!(verdict(&a, &mix(&word, &a, 0.1)), (ChannelLayout::Stereo, None), "and cross-talk");
}

#[test]
fn a_channel_without_a_voice_of_its_own_is_no_leg() {
    let mono = mix(&speaker(1, 0, 160_000), &speaker(2, 1, 160_000), 1.0);
    let (silent, hiss) = (vec![0.0; mono.len()], noise(9, mono.len(), 0.003));
    assert_eq!(verdict(&mono, &silent), (ChannelLayout::Mono, Some(0)));
    assert_eq!(verdict(&hiss, &mono), (ChannelLayout::Mono, Some(1)));
    assert_eq!(verdict(&silent, &silent), (ChannelLayout::Stereo, None), "nothing at all says nothing");
}

/// Syllables that rise and fall, and nobody speaks for the last four seconds.
fn with_a_pause(mut samples: Vec<f32>) -> Vec<f32> {
    samples.iter_mut().enumerate().for_each(|(n, s)| *s *= [1.0, 0.4, 0.15, 0.05][n / 800 % 4]);
    samples.extend(noise(4, 32_000, 0.0003));
    samples
}

/// As a file of 16 bits holds it, every so many steps: 1 in PCM, 16 in A-law near silence, with an offset.
fn stored(samples: &[f32], down_db: f32, steps: f32, offset: f32) -> Vec<f32> {
    let (gain, step) = (10f32.powf(-down_db / 20.0), steps / 32_768.0);
    // A-law has no code for nothing.
    let shift = if steps > 1.0 { 0.5 } else { 0.0 };
    samples.iter().map(|s| (((gain * s + offset) / step - shift).round() + shift) * step).collect()
}

#[test]
fn quiet_calls_are_judged_like_loud_ones() {
    let (a, b) = (with_a_pause(speaker(1, 0, 160_000)), with_a_pause(speaker(2, 1, 160_000)));
    let (a, b) = (mix(&a, &b, 0.12), mix(&b, &a, 0.12));
    let (mono, hiss) = (mix(&a, &b, 1.0), noise(9, a.len(), 0.1));
    for (steps, down, offset) in [1.0, 16.0].iter().flat_map(|steps| {
        let downs: &[f32] = if *steps > 1.0 { &[20.0, 32.0, 38.0] } else { &[20.0, 32.0, 38.0, 44.0, 50.0] };
        downs.iter().flat_map(move |down| [0.0, 0.01].map(|offset| (*steps, *down, offset)))
    }) {
        let what = format!("{down} dB down in steps of {steps}, offset {offset}");
        let low = |samples: &[f32]| stored(samples, down, steps, offset);
        let found = verdict(&low(&a), &low(&b));
        assert_eq!(found, (ChannelLayout::Stereo, None), "two people, {what}");
        assert_eq!(verdict(&low(&a), &b), (ChannelLayout::Stereo, None), "the left leg only, {what}");
        assert_eq!(verdict(&a, &low(&b)), (ChannelLayout::Stereo, None), "the right leg only, {what}");
        let copy: Vec<f32> = mono.iter().map(|s| 0.7 * s).collect();
        // Deeper down a copy differs from its source by the steps alone.
        if down < if steps > 1.0 { 38.0 } else { 50.0 } {
            let found = verdict(&low(&mono), &low(&copy));
            assert_eq!(found, (ChannelLayout::FakeStereo, Some(0)), "a copy, {what}");
        }
        let silent = vec![0.0; mono.len()];
        assert_eq!(verdict(&low(&mono), &silent), (ChannelLayout::Mono, Some(0)), "a silent leg, {what}");
        assert_eq!(verdict(&low(&hiss), &low(&mono)), (ChannelLayout::Mono, Some(1)), "a noisy leg, {what}");
    }
}

#[test]
fn a_leg_that_holds_a_voice_of_its_own_is_never_left_out() {
    // The louder person leaks into the other's leg, and nothing leaks back.
    let (loud, quiet) = (with_a_pause(speaker(1, 0, 160_000)), with_a_pause(speaker(2, 1, 160_000)));
    let quiet: Vec<f32> = quiet.iter().map(|s| 0.05 * s).collect();
    for leak in [0.02, 0.1, 0.3] {
        let leaked = mix(&quiet, &loud, leak);
        assert_eq!(verdict(&loud, &leaked), (ChannelLayout::Stereo, None), "leak of {leak}");
        assert_eq!(verdict(&leaked, &loud), (ChannelLayout::Stereo, None), "leak of {leak}, the other way round");
    }
}

#[test]
fn what_begins_after_ten_silent_minutes_decides() {
    let line = |seed| noise(seed, 4_800_000, 0.0003);
    let (a, b) = (speaker(1, 0, 80_000), speaker(2, 1, 80_000));
    let mono = mix(&a, &b, 1.0);
    let same = [line(5), mono.clone()].concat();
    assert_eq!(verdict(&same, &same).0, ChannelLayout::FakeStereo);
    assert_eq!(verdict(&[line(5), a].concat(), &[line(6), b].concat()).0, ChannelLayout::Stereo);
    // The same hold music on both first, then each speaks for himself.
    let music = noise(3, 800_000, 0.2);
    let (a, b) = (speaker(1, 0, 160_000), speaker(2, 1, 160_000));
    assert_eq!(verdict(&[music.clone(), a].concat(), &[music, b].concat()).0, ChannelLayout::Stereo);
}
