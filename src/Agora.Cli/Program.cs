Console.WriteLine("agora");
