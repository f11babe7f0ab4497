using System.Globalization;

namespace Agora.Tests.Endpoints;

/// <summary>A model that writes sums, another for every seed, in the form that the prompt asks for.</summary>
public static class Arithmetic
{
    public static string Answer(ReceivedRequest request)
    {
        var (a, b) = (request.Seed % 9973, request.Seed / 9973 % 997);
        var instruction = string.Create(CultureInfo.InvariantCulture, $"What is {a} plus {b}?");
        var response = string.Create(CultureInfo.InvariantCulture, $"{a} + {b} = {a + b}.\n[RESULT] {a + b} [/RESULT]");
        var prompt = request.LastMessage.TrimEnd();
        return prompt.EndsWith("Revised Question:", StringComparison.Ordinal) ? $"{instruction}\nRevised Answer: {response}\n"
            : prompt.EndsWith("OUTPUT:", StringComparison.Ordinal) ? $"{response}\n"
            : $"{instruction}\nOUTPUT: {response}\n";
    }
}
