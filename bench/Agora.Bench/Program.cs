using Agora.Bench;
using Agora.Experiments;

// Measurements against which changes of speed are judged; nobody gates on them. Run in Release: dotnet run -c Release --project bench/Agora.Bench decoding
switch (args)
{
    case ["decoding", .. var rest]:
        await DecodingSpeed.MeasureAsync(threads: rest is [var threads, ..] ? int.Parse(threads) : Environment.ProcessorCount);
        return 0;
    case ["perplexity", .. var rest]:
        await PerplexitySpeed.MeasureAsync(threads: rest is [var readers, ..] ? int.Parse(readers) : Environment.ProcessorCount);
        return 0;
    case ["memory"]:
        await MeasuringMemory.MeasureAsync();
        return 0;
    case ["sandbox", var file, var peer]:
        await SandboxSpeed.MeasureAsync(file, peer);
        return 0;
    case ["math-grading", var gsm8k, var math]:
        return MathGradingSpeed.Measure(gsm8k, math) ? 0 : 1;
    case ["judged"]:
        return await JudgedSpeed.MeasureAsync() ? 0 : 1;
    case ["novelty", .. { Length: > 0 } files]:
        return await NoveltySpeed.MeasureAsync(files) ? 0 : 1;
    case ["training", .. var rest] when rest is [] or ["speed" or "padding" or "memory" or "precision" or "peak"]:
        return TrainingSpeed.Measure(rest is [var part] ? part : null, threads: 2) ? 0 : 1;
    case ["training-peak", var model, var way, var length]:
        return TrainingPeak.MeasurePart(model, way, int.Parse(length)) ? 0 : 1;
    case ["diversity"]:
        return DiversitySpeed.Measure() ? 0 : 1;
    case ["bootstrap"]:
        return BootstrapSpeed.Measure() ? 0 : 1;
    case ["requests", "200ms" or "5ms", .. var rest] when rest is [] or [_]:
        return await RequestSpeed.MeasureAsync(args[1], rest is [var pythonPath] ? pythonPath : null) ? 0 : 1;
    case ["requests", .. var rest] when rest is [] or [_]:
        return await RequestSpeed.MeasureAsync(null, rest is [var python] ? python : null) ? 0 : 1;
    case ["requests", var latency, var requests, .. var rest] when rest is [] or ["layers"]:
        await RequestSpeed.RunAsync(int.Parse(latency), int.Parse(requests), layers: rest is [_]);
        return 0;
    case ["instances"]:
        return await MillionInstances.MeasureAsync() ? 0 : 1;
    case ["instances", var folder, var method, var instances, var killAt]:
        await MillionInstances.RunAsync(folder, GenerationMethod.All.First(known => known.Name() == method), int.Parse(instances), int.Parse(killAt));
        return 0;
    case ["loopback-model", var latency]:
        await LoopbackModel.ServeAsync(int.Parse(latency));
        return 0;
    case ["report", .. var rest]:
        return ReportSpeed.Measure(rest is [var browser, ..] ? browser : null) ? 0 : 1;
    case ["tokenizer", var texts, .. var tokenizers]:
        return TokenizerSpeed.Measure(texts.Split(','), tokenizers) ? 0 : 1;
    case ["tokenizer-growth", var texts, .. var tokenizers]:
        return TokenizerGrowth.Measure(texts.Split(','), tokenizers) ? 0 : 1;
    case ["checkpoint"]:
        return CheckpointMemory.Measure() ? 0 : 1;
    case ["checkpoint-part", var measured, var model]:
        return CheckpointMemory.MeasurePart(measured, model) ? 0 : 1;
    case ["fuzz", var reader, var seconds, .. var seed]:
        return ReaderFuzzing.Run(reader, int.Parse(seconds), seed is [var given] ? int.Parse(given) : 1) ? 0 : 1;
    default:
        Console.Error.WriteLine("usage: Agora.Bench decoding [THREADS] | perplexity [THREADS] | memory | sandbox HUMANEVAL.jsonl.gz CHECKOUT_OF_OPENAI_HUMAN_EVAL | math-grading GSM8K_TEST MATH_500 | judged | novelty INSTRUCTIONS… | diversity | bootstrap | training [speed|padding|memory|precision|peak] | requests [200ms|5ms] [PYTHONPATH_OF_OPENAI_SDK] | requests LATENCY_MS COUNT [layers] | instances [FOLDER METHOD COUNT KILL_AT] | report [CHROMIUM] | checkpoint | tokenizer FILE,FILE… TOKENIZER_FOLDER… | tokenizer-growth FILE,FILE… TOKENIZER_FOLDER… | fuzz safetensors|index|config|tokenizer|template SECONDS [SEED]");
        return 2;
}
