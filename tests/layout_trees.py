"""Small trees with the names of real corpora; each holds what one epoch and four validation mixtures need."""

import numpy as np

from dfkd_core.signal.audio import write_audio

SECONDS = 9.0


def voice(seed, rate=16_000):
    """A gliding harmonic tone in bursts of 0.8 s, (time,)."""
    time_s = np.arange(round(SECONDS * rate)) / rate
    pitch = 2 * np.pi * (120 + 15 * (seed % 7)) * (time_s + 0.02 * np.sin(2 * np.pi * time_s))
    tone = sum(np.sin(k * pitch) / k for k in range(1, 25))
    return (0.1 * tone * (time_s % 1.0 < 0.8)).astype(np.float32)


def hiss(seed, rate=16_000):
    return np.random.default_rng(seed).normal(0, 0.03, round(SECONDS * rate)).astype(np.float32)


def room(seed, rate=16_000):
    """A direct sound after 5 ms, then noise that dies away within 0.3 s, (tap,)."""
    decay = np.random.default_rng(seed).normal(0, 0.1, round(0.3 * rate)) * 10 ** (
        -3 * np.linspace(0, 1, round(0.3 * rate))
    )
    decay[: rate // 200] = 0
    decay[rate // 200] = 1
    return (0.5 * decay).astype(np.float32)


def voicebank(root, rate=48_000):
    """VoiceBank+DEMAND as it is unpacked: 48 kHz, pairs."""
    for seed, speaker in enumerate(("p226", "p287", "p228", "p230", "p232", "p257")):
        part = "testset_wav" if seed > 3 else "trainset_28spk_wav"
        pair(root / f"clean_{part}", root / f"noisy_{part}", f"{speaker}_001.wav", seed, rate)


def dns(root):
    """DNS Challenge, fullband: readers, noise families, both sets of impulse responses, real recordings."""
    top = root / "datasets_fullband"
    for reader in range(6):
        name = f"book_00012_chp_0003_reader_{reader:05d}_0_seg_1.wav"
        write_audio(top / "clean_fullband" / "read_speech" / name, voice(reader, 48_000), 48_000)
    for seed, family in enumerate(("door", "rain", "fan")):
        write_audio(top / "noise_fullband" / f"{family}_Freesound_validated_{seed}.wav", hiss(seed, 48_000), 48_000)
    for seed, name in enumerate(
        ("SLR26/simulated_rirs_48k/smallroom/Room001/Room001-00001", f"{SLR28}_rir_largeroom1_1")
    ):
        write_audio(top / "impulse_responses" / f"{name}.wav", np.stack([room(seed, 48_000), room(9, 48_000)]), 48_000)
    write_audio(top / "impulse_responses" / f"{SLR28}_noise_largeroom1_1.wav", hiss(3, 48_000), 48_000)
    write_audio(root / "datasets" / "test_set" / "real_recordings" / "audioset_realrec_airconditioner_1.wav", hiss(4))


SLR28 = "SLR28/RIRS_NOISES/real_rirs_isotropic_noises/RVB2014_type1"


def clean_noise(root):
    """Plain folders, mixed: FLAC and WAV, 8 to 44.1 kHz, stereo, 24 bit."""
    forms = [("flac", 44_100, "PCM_24"), ("wav", 8_000, "PCM_16"), ("wav", 22_050, "FLOAT"), ("flac", 16_000, "PCM_16")]
    for seed, (suffix, rate, subtype) in enumerate(forms):
        stereo = np.stack([voice(seed, rate), voice(seed, rate)])
        write_audio(root / "clean" / f"speaker{seed}" / f"a.{suffix}", stereo, rate, subtype=subtype)
        write_audio(root / "noise" / f"family{seed}-1.{suffix}", hiss(seed, rate), rate, subtype=subtype)


def clean_noisy(root):
    """Pairs of one's own."""
    for seed in range(4):
        pair(root / "clean", root / "noisy", f"speaker{seed}_1.wav", seed, 16_000)


def noisy_only(root):
    """Recordings of a device, and nothing else."""
    for seed in range(6):
        write_audio(root / "noisy" / f"take{seed}.wav", voice(seed) + hiss(seed))


def noisy_and_clean_valid(root):
    """Recordings of a device, and clean speech and noise to validate and test on."""
    noisy_only(root)
    for seed, split in enumerate(("valid", "test")):
        write_audio(root / "clean" / split / f"speaker{seed}_1.wav", voice(seed))
        write_audio(root / "noise" / split / f"family{seed}_1.wav", hiss(seed))


def pair(clean, noisy, name, seed, rate):
    speech = voice(seed, rate)
    write_audio(clean / name, speech, rate)
    write_audio(noisy / name, speech + hiss(seed, rate), rate)


TREES = {
    "voicebank-demand": voicebank,
    "dns": dns,
    "clean-noise": clean_noise,
    "clean-noisy": clean_noisy,
    "noisy-only": noisy_only,
}
