using System.CommandLine;
var root = new RootCommand("Agora");
root.Subcommands.Add(new Command("run", "does it"));
return root.Parse(args).Invoke();
