using Agora.Bench;

// Measurements against which changes of speed are judged; nobody gates on them. Run in Release: dotnet run -c Release --project bench/Agora.Bench decoding
switch (args)
{
    case ["decoding", .. var rest]:
        await DecodingSpeed.MeasureAsync(threads: rest is [var threads, ..] ? int.Parse(threads) : Environment.ProcessorCount);
        return 0;
    case ["sandbox", var file, var peer]:
        await SandboxSpeed.MeasureAsync(file, peer);
        return 0;
    case ["math-grading", var gsm8k, var math]:
        return MathGradingSpeed.Measure(gsm8k, math) ? 0 : 1;
    case ["judged"]:
        JudgedSpeed.Measure();
        return 0;
    case ["novelty", .. { Length: > 0 } files]:
        return await NoveltySpeed.MeasureAsync(files) ? 0 : 1;
    case ["diversity"]:
        return DiversitySpeed.Measure() ? 0 : 1;
    default:
        Console.Error.WriteLine("usage: Agora.Bench decoding [THREADS] | sandbox HUMANEVAL.jsonl.gz CHECKOUT_OF_OPENAI_HUMAN_EVAL | math-grading GSM8K_TEST MATH_500 | judged | novelty INSTRUCTIONS… | diversity");
        return 2;
}
