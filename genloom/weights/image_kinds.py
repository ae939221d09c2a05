"""The published pipelines for pictures that are known: one line each, and the parts they may have.

The only place with names of the diffusers library's classes. A class that is not in these tables is
never looked up, so no folder can name code that is run.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from genloom.errors import MissingExtra, ModelError


@dataclass(frozen=True, kw_only=True)
class Kind:
    """Whose calls make pictures from a text alone, from a given picture, and anew in a part of it;
    None: not. scale: what the call names guidance by. negative: what stands in its place where
    there is no negative prompt, None for nothing; "refused": it reads none. multiple: what sides
    are multiples of, whatever the parts say; pack: how many latents lie in a patch beyond what
    they say. fixed: what each call is given besides, where it takes it."""

    text: str | None = None
    item: str | None = None
    mask: str | None = None
    scale: str = "guidance_scale"
    negative: str | None = None
    multiple: int = 8
    pack: int | None = None
    fixed: Mapping[str, Any] = field(default_factory=dict)

    @property
    def first(self) -> str:
        """The class that is there in any case."""
        name = self.text or self.item or self.mask
        assert name is not None
        return name


REFUSED = "refused"
_OWN_SIZES = {"use_resolution_binning": False, "clean_caption": False}

KINDS: dict[str, Kind] = {
    "StableDiffusionPipeline": Kind(
        text="StableDiffusionPipeline",
        item="StableDiffusionImg2ImgPipeline",
        mask="StableDiffusionInpaintPipeline",
    ),
    "StableDiffusionInpaintPipeline": Kind(mask="StableDiffusionInpaintPipeline"),
    "StableDiffusionXLPipeline": Kind(
        text="StableDiffusionXLPipeline",
        item="StableDiffusionXLImg2ImgPipeline",
        mask="StableDiffusionXLInpaintPipeline",
    ),
    "StableDiffusionXLImg2ImgPipeline": Kind(item="StableDiffusionXLImg2ImgPipeline"),
    "StableDiffusionXLInpaintPipeline": Kind(mask="StableDiffusionXLInpaintPipeline"),
    "StableDiffusion3Pipeline": Kind(
        text="StableDiffusion3Pipeline",
        item="StableDiffusion3Img2ImgPipeline",
        mask="StableDiffusion3InpaintPipeline",
    ),
    "FluxPipeline": Kind(
        text="FluxPipeline",
        item="FluxImg2ImgPipeline",
        mask="FluxInpaintPipeline",
        negative=REFUSED,
        pack=2,
    ),
    "PixArtAlphaPipeline": Kind(text="PixArtAlphaPipeline", fixed=_OWN_SIZES),
    "PixArtSigmaPipeline": Kind(text="PixArtSigmaPipeline", fixed=_OWN_SIZES),
    "SanaPipeline": Kind(text="SanaPipeline", multiple=32, fixed=_OWN_SIZES),
    "QwenImagePipeline": Kind(
        text="QwenImagePipeline",
        item="QwenImageImg2ImgPipeline",
        mask="QwenImageInpaintPipeline",
        scale="true_cfg_scale",
        negative=" ",
        pack=2,
    ),
}

# Parts with weights: a class of the diffusers library, or of transformers.
NETS = frozenset(
    {"UNet2DConditionModel", "AutoencoderKL", "AsymmetricAutoencoderKL", "AutoencoderDC"}
    | {"AutoencoderKLQwenImage", "SD3Transformer2DModel", "FluxTransformer2DModel"}
    | {"PixArtTransformer2DModel", "Transformer2DModel", "SanaTransformer2DModel"}
    | {"QwenImageTransformer2DModel"}
)
ENCODERS = frozenset(
    {"CLIPTextModel", "CLIPTextModelWithProjection", "T5EncoderModel"}
    | {"Gemma2Model", "Gemma2ForCausalLM", "Qwen2_5_VLForConditionalGeneration"}
)
CHECKERS = frozenset({"StableDiffusionSafetyChecker"})
# Parts without.
SCHEDULERS = frozenset(
    {"PNDMScheduler", "DDIMScheduler", "DDPMScheduler", "LCMScheduler", "TCDScheduler"}
    | {"EulerDiscreteScheduler", "EulerAncestralDiscreteScheduler", "HeunDiscreteScheduler"}
    | {"DPMSolverMultistepScheduler", "DPMSolverSinglestepScheduler", "DEISMultistepScheduler"}
    | {"UniPCMultistepScheduler", "FlowMatchEulerDiscreteScheduler"}
)
READERS = frozenset(
    {"CLIPTokenizer", "CLIPTokenizerFast", "T5Tokenizer", "T5TokenizerFast", "GemmaTokenizer"}
    | {"GemmaTokenizerFast", "Qwen2Tokenizer", "Qwen2TokenizerFast"}
    | {"CLIPImageProcessor", "CLIPFeatureExtractor"}
)
RENAMED = {"CLIPFeatureExtractor": "CLIPImageProcessor"}
LIBRARIES: dict[str, frozenset[str]] = {
    "diffusers": NETS | SCHEDULERS,
    "transformers": ENCODERS | READERS,
    "stable_diffusion": CHECKERS,
}
WEIGHTED = NETS | ENCODERS | CHECKERS


def kind_of(name: object, where: object) -> Kind:
    """ModelError with those that are known, where this is none of them."""
    if not isinstance(name, str):
        raise ModelError(
            f"{where} names {name!r} as its pipeline, which is code of its own: it is not run; "
            f"known are {', '.join(KINDS)}"
        )
    if name not in KINDS:
        raise ModelError(f"{where} is a {name}, which is not known: known are {', '.join(KINDS)}")
    return KINDS[name]


def class_of(name: str) -> Any:
    """The class of a name in the tables, from its library."""
    try:
        if name in ENCODERS | READERS:
            import transformers as library
        elif name in CHECKERS:
            from diffusers.pipelines.stable_diffusion import safety_checker as library
        else:
            import diffusers as library
    except ImportError as error:
        raise MissingExtra(error.name or "diffusers", "diffusers") from None
    try:
        return getattr(library, RENAMED.get(name, name))
    except (AttributeError, ImportError, RuntimeError) as error:
        told = str(error).splitlines()[0]
        raise ModelError(
            f"the installed {library.__name__} has no {name} ({told}): install a newer one"
        ) from None
