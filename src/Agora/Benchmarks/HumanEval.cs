using Agora.Experiments;

namespace Agora.Benchmarks;

/// <summary>
/// HumanEval (arXiv:2107.03374). Rows: <c>task_id</c>, <c>prompt</c> (a signature with its docstring), <c>canonical_solution</c>, <c>test</c>, <c>entry_point</c>;
/// or EvalPlus's (<see cref="EvalPlusTask"/>).
/// </summary>
internal static class HumanEval
{
    /// <summary>As openai/human-eval gives; every reference takes well under one second.</summary>
    private const double SecondsPerProgram = 3;

    public static IBenchmark Open(BenchmarkSpec spec, string rootFolder, BenchmarkOptions options)
    {
        options.Require(spec.Name, [PromptStyle.Chat, PromptStyle.Base, PromptStyle.EvalPlus], [AnswerGrader.Agora, AnswerGrader.EvalPlus], exemplars: false);
        var file = BenchmarkRows.Read(spec.File, rootFolder, spec.Limit);
        var isEvalPlus = EvalPlusTask.IsIn(file);
        var tasks = file.Rows.Select(row => Asked(isEvalPlus ? EvalPlusTask.Read(row, isMbpp: false, options.PlusTests) : Read(row), options.Style)).ToArray();
        file.ThrowIfFaulty();
        return new CodeBenchmark(spec.Name, file.Hash, [.. tasks], new CodeGrading
        {
            SecondsPerProgram = SecondsPerProgram,
            Options = options,
            Asking = options.Style switch
            {
                PromptStyle.Base => CodePrompts.Continued("\ndef ", "\nclass ", "\nimport ", "\nfrom ", "\nassert "),
                PromptStyle.EvalPlus => CodePrompts.InChat,
                _ => BenchmarkAsking.Chat,
            },
        });
    }

    private static CodeTask Read(BenchmarkRow row)
    {
        var signature = row.Text("prompt");
        var entryPoint = NanoCode.EntryPoint(row);
        return new CodeTask(new BenchmarkItem(row.Id("task_id"), signature), entryPoint, $"{row.Text("test")}\n\ncheck({entryPoint})\n", signature, signature + row.Text("canonical_solution"));
    }

    private static CodeTask Asked(CodeTask task, PromptStyle style)
    {
        var signature = (task.Continues ?? "").Trim();
        return task with
        {
            // A sample in a file goes behind the prompt as the file has it, an answer behind the prompt that was asked.
            Continues = style == PromptStyle.Base ? signature + "\n" : task.Continues,
            Item = task.Item with
            {
                Prompt = style switch
                {
                    PromptStyle.Base => signature + "\n",
                    PromptStyle.EvalPlus => CodePrompts.Request(signature),
                    _ => $"Complete this Python function. Answer with the whole function in one Python code block.\n\n```python\n{signature}\n```",
                },
            },
        };
    }
}
