"""The one table name -> class for codecs, prompts, families, nets and quality protocols.

Classes are imported when asked for. Outsiders add theirs through entry points of the groups
`genloom.codec`, `genloom.family`, ... Knows names and places, nothing of what they do.
"""

from __future__ import annotations

import difflib
import importlib
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from typing import Any

from genloom.errors import RecipeError

TABLE: dict[str, dict[str, str]] = {
    "codec": {
        "text": "genloom.codec.text.codec:TextCodec",
        "python": "genloom.codec.python.codec:PythonCodec",
        "chat": "genloom.codec.chat.codec:ChatCodec",
        "preference": "genloom.codec.chat.preference:PreferenceCodec",
        "pair": "genloom.codec.pair.codec:PairCodec",
        "summary": "genloom.codec.pair.summary:SummaryCodec",
        "sql": "genloom.codec.sql.codec:SqlCodec",
        "image": "genloom.codec.image.codec:ImageCodec",
        "labelled": "genloom.codec.image.labelled:LabelledCodec",
        "latent": "genloom.codec.latent.codec:LatentCodec",
        "codes": "genloom.codec.latent.codes:CodesCodec",
        "video": "genloom.codec.video.codec:VideoCodec",
        "sound": "genloom.codec.sound.codec:SoundCodec",
        "sound_codes": "genloom.codec.latent.sound_codes:SoundCodesCodec",
        "waves": "genloom.codec.sound.waves:WavesCodec",
        "transcript": "genloom.codec.sound.transcript:TranscriptCodec",
        "shape": "genloom.codec.shape.codec:ShapeCodec",
        "drive": "genloom.codec.drive.codec:DriveCodec",
        "molecule": "genloom.codec.molecule.codec:MoleculeCodec",
        "table": "genloom.codec.table.codec:TableCodec",
        "chorale": "genloom.codec.chorale.codec:ChoraleCodec",
        "tune": "genloom.codec.tune.codec:TuneCodec",
        "sequence": "genloom.codec.sequence.codec:SequenceCodec",
    },
    "prompt": {
        "label": "genloom.codec.prompt.label:LabelCodec",
        "words": "genloom.codec.prompt.words:WordsCodec",
        "spoken": "genloom.codec.prompt.spoken:SpokenCodec",
        "verbatim": "genloom.codec.prompt.verbatim:VerbatimCodec",
        "spelled": "genloom.codec.prompt.spelled:SpelledCodec",
        "measured": "genloom.codec.prompt.measured:MeasuredCodec",
    },
    "family": {
        "autoregressive": "genloom.family.autoregressive:Autoregressive",
        "masked": "genloom.family.masked:Masked",
        "flow": "genloom.family.flow:Flow",
        "aligned_flow": "genloom.family.aligned_flow:AlignedFlow",
        "consistency": "genloom.family.consistency:Consistency",
        "adversarial": "genloom.family.adversarial:Adversarial",
        "reconstruction": "genloom.family.reconstruction:Reconstruction",
        "ctc": "genloom.family.ctc:CTC",
        "preference": "genloom.family.preference:Preference",
        "distillation": "genloom.family.distillation:Distillation",
        "policy": "genloom.family.policy:Policy",
        "pipeline": "genloom.family.pipeline:Pipeline",
    },
    "net": {
        "transformer": "genloom.net.language_model:LanguageModel",
        "row": "genloom.net.row_model:RowModel",
        "trees": "genloom.net.tree_model:TreeModel",
        "lattice": "genloom.net.lattice:LatticeModel",
        "diffusion_transformer": "genloom.net.diffusion_transformer:DiffusionTransformer",
        "aligned_transformer": "genloom.net.aligned_transformer:AlignedTransformer",
        "conv_generator": "genloom.net.conv:ConvGenerator",
        "conv_critic": "genloom.net.conv:ConvCritic",
        "upscaler": "genloom.net.upscaler:Upscaler",
        "autoencoder": "genloom.net.autoencoder:Autoencoder",
        "vocoder": "genloom.net.vocoder:Vocoder",
        "sound_tokenizer": "genloom.net.sound_tokenizer:SoundTokenizer",
        "wave_critic": "genloom.net.wave_critic:WaveCritic",
        "recogniser": "genloom.net.recogniser:Recogniser",
        "unet": "genloom.net.unet:UNet",
        "mlp_denoiser": "genloom.net.mlp:MLPDenoiser",
        "mlp_generator": "genloom.net.mlp:MLPGenerator",
        "mlp_critic": "genloom.net.mlp:MLPCritic",
    },
    "recipe": {
        "upscale": "genloom.recipes.restoring:choose",
        "upscale-2x": "genloom.recipes.restoring:choose_twice",
        "upscale-gan": "genloom.recipes.restoring:choose_adversarial",
        "restore": "genloom.recipes.restoring:choose_restoring",
        "colourise": "genloom.recipes.restoring:choose_colouring",
        "text": "genloom.recipes.text:choose",
        "stories": "genloom.recipes.stories:choose",
        "chat": "genloom.recipes.chat:choose",
        "pair": "genloom.recipes.pair:choose",
        "translation": "genloom.recipes.translation:choose",
        "summary": "genloom.recipes.summary:choose",
        "preference": "genloom.recipes.preference:choose",
        "distil": "genloom.recipes.distil:choose",
        "sql": "genloom.recipes.sql:choose",
        "python": "genloom.recipes.python:choose",
        "image": "genloom.recipes.image:choose",
        "sprites": "genloom.recipes.assets:choose_sprites",
        "emoji": "genloom.recipes.assets:choose_emoji",
        "icons": "genloom.recipes.assets:choose_icons",
        "digits": "genloom.recipes.assets:choose_digits",
        "characters": "genloom.recipes.assets:choose_characters",
        "labelled": "genloom.recipes.labelled:choose",
        "image-gan": "genloom.recipes.image_gan:choose",
        "image-autoencoder": "genloom.recipes.latent:choose_autoencoder",
        "image-tokenizer": "genloom.recipes.latent:choose_tokenizer",
        "image-latent": "genloom.recipes.latent:choose",
        "image-codes": "genloom.recipes.latent:choose_codes",
        "image-fast": "genloom.recipes.image_fast:choose",
        "video": "genloom.recipes.video:choose",
        "sound": "genloom.recipes.sound:choose",
        "speech": "genloom.recipes.speech:choose",
        "recogniser": "genloom.recipes.recogniser:choose",
        "vocoder": "genloom.recipes.vocoder:choose",
        "sound-tokenizer": "genloom.recipes.sound_codes:choose_tokenizer",
        "sound-codes": "genloom.recipes.sound_codes:choose",
        "shape": "genloom.recipes.shape:choose",
        "drive": "genloom.recipes.drive:choose",
        "molecule": "genloom.recipes.molecule:choose",
        "reward": "genloom.recipes.reward:choose",
        "table": "genloom.recipes.table:choose",
        "table-flow": "genloom.recipes.table:choose_flow",
        "table-gan": "genloom.recipes.table:choose_adversarial",
        "chorale": "genloom.recipes.chorale:choose",
        "folk": "genloom.recipes.music:choose",
        "protein": "genloom.recipes.sequence:choose",
        "dna": "genloom.recipes.sequence:choose_dna",
    },
    "joined": {  # what is made of several models, in one folder
        "tables": "genloom.linked.tables:Tables",
        "series": "genloom.series.model:Series",
    },
    "learner": {  # what trains them
        "tables": "genloom.linked.training:train",
        "series": "genloom.series.training:train",
    },
    "quality": {
        "text": "genloom.trust.quality_text:measure",
        "python": "genloom.trust.quality_text:measure",
        "chat": "genloom.trust.quality_chat:measure",
        "pair": "genloom.trust.quality_pair:measure",
        "summary": "genloom.trust.quality_summary:measure",
        "sql": "genloom.trust.quality_pair:measure",
        "image": "genloom.trust.quality_image:measure",
        "labelled": "genloom.trust.quality_labelled:measure",
        "latent": "genloom.trust.quality_image:measure",
        "codes": "genloom.trust.quality_image:measure",
        "video": "genloom.trust.quality_video:measure",
        "sound": "genloom.trust.quality_image:measure",
        "preference": "genloom.trust.quality_preference:measure",
        "reward": "genloom.trust.quality_reward:measure",
        "transcript": "genloom.trust.quality_transcript:measure",
        "shape": "genloom.trust.quality_shape:measure",
        "drive": "genloom.trust.quality_drive:measure",
        "molecule": "genloom.trust.quality_molecule:measure",
        "table": "genloom.trust.quality_table:measure",
        "tune": "genloom.trust.quality_tune:measure",
        "chorale": "genloom.trust.quality_chorale:measure",
        "sequence": "genloom.trust.quality_sequence:measure",
    },
    "attack": {"table": "genloom.trust.attacks:attack"},
}


def names(sort: str) -> list[str]:
    """Every name of a sort, ours and installed ones."""
    return [*TABLE[sort], *(point.name for point in _installed(sort))]


def find(sort: str, name: str) -> Any:
    """The class or function behind a name. RecipeError with the nearest names otherwise."""
    place = TABLE[sort].get(name)
    if place is not None:
        module, attribute = place.split(":")
        return getattr(importlib.import_module(module), attribute)
    for point in _installed(sort):
        if point.name == name:
            return point.load()
    near = difflib.get_close_matches(name, names(sort), n=1)
    hint = f"did you mean {near[0]!r}?" if near else f"use one of {', '.join(names(sort))}"
    raise RecipeError(f"{sort} {name!r} is not known: {hint}")


@cache  # each look reads a file of every package there is: 4 of the 5 ms of a recipe's check
def _installed(sort: str) -> tuple[EntryPoint, ...]:
    """What other packages offer."""
    return tuple(entry_points(group=f"genloom.{sort}"))


def minutes_of(chooser: Any) -> dict[str, float]:
    """The most minutes that each size of a preset is meant for, from the preset's module."""
    limits: dict[str, float] = importlib.import_module(chooser.__module__).MINUTES
    return limits


def expected_of(name: str) -> dict[str, Any] | None:
    """What a preset came to where it was measured, as JSON values; None where it was not, or where
    `name` is no preset."""
    if name not in names("recipe"):
        return None
    home = importlib.import_module(find("recipe", name).__module__)
    found = getattr(home, "EXPECTED", {}).get(name)
    return None if found is None else found.to_json()
