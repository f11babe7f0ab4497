using System.CommandLine;
using System.Globalization;
using Agora.Experiments;

namespace Agora.Cli.Commands;

/// <summary>What a command without an experiment file may spend, and what models cost that the price table does not know.</summary>
internal static class SpendingOptions
{
    public static Option<decimal?> Budget() =>
        new Option<decimal?>("--budget") { Description = "US dollars that everything may cost, earlier processes included; exit code 3 when they are used up.", HelpName = "dollars" }.Within(0);

    public static Option<string?> Price(string name, string whose) => new(name) { Description = $"{whose}: US dollars per million tokens, in and out, e.g. 2.50,10. The shipped price table's where absent.", HelpName = "in,out" };

    /// <exception cref="AgoraException">It is not two numbers.</exception>
    public static Price? Read(ParseResult parsed, Option<string?> option)
    {
        if (parsed.GetValue(option) is not { } text)
            return null;
        return text.Split(',') is [var input, var output] && Dollars(input) is { } read && Dollars(output) is { } written
            ? new Price { Input = read, Output = written }
            : throw new AgoraException($"\"{text}\" is no price", option.Name, "write it like 2.50,10: dollars per million tokens in and out") { ExitCode = ExitCodes.Usage };

        static decimal? Dollars(string number) => decimal.TryParse(number, NumberStyles.AllowDecimalPoint | NumberStyles.AllowLeadingWhite | NumberStyles.AllowTrailingWhite, CultureInfo.InvariantCulture, out var dollars) && dollars <= 100_000 ? dollars : null;
    }
}
