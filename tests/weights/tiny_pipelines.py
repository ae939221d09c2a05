"""Published pipelines of every known kind, tiny and with random weights, written to disk as the
diffusers library writes them."""

from __future__ import annotations

import string
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

LETTERS = list(string.ascii_letters + string.digits + " .,:;'\"<>|_-\n")


def _clip_reader() -> Any:
    from transformers import CLIPTokenizer

    ends = ["<|startoftext|>", "<|endoftext|>"]
    vocab = [*LETTERS, *(f"{x}</w>" for x in LETTERS), *ends]
    return CLIPTokenizer(vocab={v: i for i, v in enumerate(vocab)}, merges=[], model_max_length=24)


def _clip(reader: Any, projected: bool) -> Any:
    from transformers import CLIPTextConfig, CLIPTextModel, CLIPTextModelWithProjection

    config = CLIPTextConfig(
        vocab_size=len(reader),
        hidden_size=32,
        intermediate_size=32,
        projection_dim=32,
        num_hidden_layers=2,
        num_attention_heads=4,
        max_position_embeddings=24,
        bos_token_id=reader.bos_token_id,
        eos_token_id=reader.eos_token_id,
        pad_token_id=reader.pad_token_id,
    )
    return (CLIPTextModelWithProjection if projected else CLIPTextModel)(config)


def _t5(width: int = 32) -> tuple[Any, Any]:
    from transformers import T5Config, T5EncoderModel, T5Tokenizer

    vocab = [("<pad>", 0.0), ("</s>", 0.0), ("<unk>", 0.0), ("▁", -2.0)]
    reader = T5Tokenizer(vocab=[*vocab, *((x, -3.0) for x in LETTERS)], extra_ids=0)
    config = T5Config(
        vocab_size=len(reader), d_model=width, d_kv=8, d_ff=32, num_layers=1, num_heads=4
    )
    return reader, T5EncoderModel(config)


def _autoencoder(latents: int = 4, **more: Any) -> Any:
    from diffusers import AutoencoderKL

    return AutoencoderKL(
        block_out_channels=(8, 8, 8, 8),
        down_block_types=("DownEncoderBlock2D",) * 4,
        up_block_types=("UpDecoderBlock2D",) * 4,
        latent_channels=latents,
        norm_num_groups=4,
        layers_per_block=1,
        sample_size=64,
        **more,
    )


def _unet(**more: Any) -> Any:
    from diffusers import UNet2DConditionModel

    return UNet2DConditionModel(
        sample_size=8,
        in_channels=more.pop("in_channels", 4),
        out_channels=4,
        block_out_channels=(8, 16),
        layers_per_block=1,
        down_block_types=("DownBlock2D", "CrossAttnDownBlock2D"),
        up_block_types=("CrossAttnUpBlock2D", "UpBlock2D"),
        norm_num_groups=4,
        **{"cross_attention_dim": 32, "attention_head_dim": 4, **more},
    )


def stable_diffusion(**unet: Any) -> Any:
    from diffusers import PNDMScheduler, StableDiffusionPipeline

    reader = _clip_reader()
    return StableDiffusionPipeline(
        vae=_autoencoder(),
        text_encoder=_clip(reader, False),
        tokenizer=reader,
        unet=_unet(**unet),
        scheduler=PNDMScheduler(
            beta_start=0.00085,
            beta_end=0.012,
            beta_schedule="scaled_linear",
            skip_prk_steps=True,
            steps_offset=1,
        ),
        safety_checker=None,
        feature_extractor=None,
        requires_safety_checker=False,
    )


def stable_diffusion_xl() -> Any:
    from diffusers import EulerDiscreteScheduler, StableDiffusionXLPipeline

    readers = _clip_reader(), _clip_reader()
    return StableDiffusionXLPipeline(
        vae=_autoencoder(),
        text_encoder=_clip(readers[0], False),
        text_encoder_2=_clip(readers[1], True),
        tokenizer=readers[0],
        tokenizer_2=readers[1],
        unet=_unet(
            cross_attention_dim=64,
            addition_embed_type="text_time",
            addition_time_embed_dim=8,
            projection_class_embeddings_input_dim=6 * 8 + 32,
            use_linear_projection=True,
        ),
        scheduler=EulerDiscreteScheduler(timestep_spacing="leading", steps_offset=1),
    )


def stable_diffusion_3() -> Any:
    from diffusers import (
        FlowMatchEulerDiscreteScheduler,
        SD3Transformer2DModel,
        StableDiffusion3Pipeline,
    )

    readers = _clip_reader(), _clip_reader()
    third, encoder = _t5(64)
    return StableDiffusion3Pipeline(
        transformer=SD3Transformer2DModel(
            sample_size=8,
            patch_size=1,
            in_channels=16,
            num_layers=2,
            attention_head_dim=8,
            num_attention_heads=4,
            joint_attention_dim=64,
            caption_projection_dim=32,
            pooled_projection_dim=64,
            out_channels=16,
            pos_embed_max_size=24,
        ),
        scheduler=FlowMatchEulerDiscreteScheduler(shift=3.0),
        vae=_autoencoder(16, shift_factor=0.06, scaling_factor=1.5, use_quant_conv=False),
        text_encoder=_clip(readers[0], True),
        tokenizer=readers[0],
        text_encoder_2=_clip(readers[1], True),
        tokenizer_2=readers[1],
        text_encoder_3=encoder,
        tokenizer_3=third,
    )


def flux(distilled: bool = True) -> Any:
    from diffusers import FlowMatchEulerDiscreteScheduler, FluxPipeline, FluxTransformer2DModel

    reader, (second, encoder) = _clip_reader(), _t5()
    return FluxPipeline(
        scheduler=FlowMatchEulerDiscreteScheduler(use_dynamic_shifting=distilled),
        vae=_autoencoder(shift_factor=0.1, scaling_factor=0.4, use_quant_conv=False),
        text_encoder=_clip(reader, False),
        tokenizer=reader,
        text_encoder_2=encoder,
        tokenizer_2=second,
        transformer=FluxTransformer2DModel(
            in_channels=16,
            num_layers=1,
            num_single_layers=1,
            attention_head_dim=16,
            num_attention_heads=2,
            joint_attention_dim=32,
            pooled_projection_dim=32,
            guidance_embeds=distilled,
            axes_dims_rope=(4, 4, 8),
        ),
    )


def pixart() -> Any:
    from diffusers import (
        DPMSolverMultistepScheduler,
        PixArtSigmaPipeline,
        PixArtTransformer2DModel,
    )

    reader, encoder = _t5()
    return PixArtSigmaPipeline(
        tokenizer=reader,
        text_encoder=encoder,
        vae=_autoencoder(),
        transformer=PixArtTransformer2DModel(
            num_attention_heads=2,
            attention_head_dim=8,
            in_channels=4,
            out_channels=8,
            num_layers=1,
            cross_attention_dim=16,
            caption_channels=32,
            sample_size=8,
            patch_size=2,
            use_additional_conditions=False,
        ),
        scheduler=DPMSolverMultistepScheduler(),
    )


def sana() -> Any:
    from diffusers import (
        AutoencoderDC,
        DPMSolverMultistepScheduler,
        SanaPipeline,
        SanaTransformer2DModel,
    )
    from transformers import Gemma2Config, Gemma2Model, GemmaTokenizer

    ends = ["<pad>", "<eos>", "<bos>", "<unk>", "<mask>"]
    vocab = [*ends, "▁", *LETTERS]
    reader = GemmaTokenizer(vocab={v: i for i, v in enumerate(vocab)}, merges=[])
    config = Gemma2Config(
        vocab_size=len(reader),
        hidden_size=16,
        intermediate_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        num_key_value_heads=1,
        head_dim=8,
    )
    return SanaPipeline(
        tokenizer=reader,
        text_encoder=Gemma2Model(config),
        vae=AutoencoderDC(
            latent_channels=4,
            attention_head_dim=2,
            encoder_block_types="ResBlock",
            decoder_block_types="ResBlock",
            encoder_block_out_channels=(8, 8, 8, 8),
            decoder_block_out_channels=(8, 8, 8, 8),
            encoder_layers_per_block=(1, 1, 1, 1),
            decoder_layers_per_block=(1, 1, 1, 1),
            encoder_qkv_multiscales=((), (), (), ()),
            decoder_qkv_multiscales=((), (), (), ()),
            scaling_factor=0.4,
        ),
        transformer=SanaTransformer2DModel(
            in_channels=4,
            out_channels=4,
            num_layers=1,
            num_attention_heads=2,
            attention_head_dim=4,
            num_cross_attention_heads=2,
            cross_attention_head_dim=4,
            cross_attention_dim=8,
            caption_channels=16,
            sample_size=8,
        ),
        scheduler=DPMSolverMultistepScheduler(
            prediction_type="flow_prediction", use_flow_sigmas=True, flow_shift=3.0
        ),
    )


def qwen_image() -> Any:
    from diffusers import (
        AutoencoderKLQwenImage,
        FlowMatchEulerDiscreteScheduler,
        QwenImagePipeline,
        QwenImageTransformer2DModel,
    )
    from transformers import (
        Qwen2_5_VLConfig,
        Qwen2_5_VLForConditionalGeneration,
        Qwen2Tokenizer,
    )

    ends = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]
    vocab = [*ends, *(x for x in LETTERS if x not in " \n"), "Ġ", "Ċ"]
    reader = Qwen2Tokenizer(vocab={v: i for i, v in enumerate(vocab)}, merges=[])
    config = Qwen2_5_VLConfig(
        text_config={
            "vocab_size": len(reader),
            "hidden_size": 16,
            "intermediate_size": 16,
            "num_hidden_layers": 1,
            "num_attention_heads": 2,
            "num_key_value_heads": 2,
            "rope_scaling": {"mrope_section": [1, 1, 2], "rope_type": "default", "type": "default"},
            "rope_theta": 1e6,
        },
        vision_config={
            "depth": 1,
            "hidden_size": 16,
            "intermediate_size": 16,
            "num_heads": 2,
            "out_hidden_size": 16,
        },
        vision_end_token_id=1,
        vision_start_token_id=1,
        vision_token_id=1,
    )
    return QwenImagePipeline(
        scheduler=FlowMatchEulerDiscreteScheduler(use_dynamic_shifting=True),
        vae=AutoencoderKLQwenImage(
            base_dim=8,
            z_dim=4,
            dim_mult=[1, 1, 1, 1],
            num_res_blocks=1,
            latents_mean=[0.1, -0.2, 0.3, 0.0],
            latents_std=[1.5, 2.0, 1.0, 0.5],
        ),
        text_encoder=Qwen2_5_VLForConditionalGeneration(config),
        tokenizer=reader,
        transformer=QwenImageTransformer2DModel(
            in_channels=16,
            out_channels=4,
            num_layers=1,
            attention_head_dim=16,
            num_attention_heads=2,
            joint_attention_dim=16,
            axes_dims_rope=(4, 4, 8),
        ),
    )


KINDS: dict[str, Callable[..., Any]] = {
    "StableDiffusionPipeline": stable_diffusion,
    "StableDiffusionXLPipeline": stable_diffusion_xl,
    "StableDiffusion3Pipeline": stable_diffusion_3,
    "FluxPipeline": flux,
    "PixArtSigmaPipeline": pixart,
    "SanaPipeline": sana,
    "QwenImagePipeline": qwen_image,
}


def write(kind: str, folder: Path, **options: Any) -> Path:
    """The pipeline in a folder, with a model card that names a licence."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        made = KINDS[kind](**options)
        _shake(made)
    made.save_pretrained(folder)
    (folder / "README.md").write_text("---\nlicense: openrail\n---\n# tiny\n", encoding="utf-8")
    return folder


def _shake(made: Any) -> None:
    """No output layer that begins at zero stays silent."""
    with torch.no_grad():
        for part in made.components.values():
            if isinstance(part, torch.nn.Module):
                for weight in part.parameters():
                    if not weight.abs().max():
                        weight.normal_(std=0.1)
