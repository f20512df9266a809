"""The commands of Windows PowerShell 5.1 that the module may call, and their parameters that it uses: nothing that came later."""

BASE: dict[str, set[str]] = {
    "ConvertFrom-Json": {"InputObject"},  # -Depth, -AsHashtable and -NoEnumerate came later
    "ConvertTo-Json": {"Compress", "Depth", "InputObject"},  # -AsArray and -EscapeHandling came later
    "Copy-Item": {"Destination", "Force", "LiteralPath", "Recurse", "ToSession"},
    "Get-ChildItem": {"File", "Filter", "LiteralPath", "Recurse"},
    "Get-CimAssociatedInstance": {"InputObject", "ResultClassName"},
    "Get-CimInstance": {"ClassName", "Filter", "Namespace", "Property"},
    "Get-Command": {"Name"},
    "Get-Content": {"LiteralPath", "Raw"},
    "Get-FileHash": {"Algorithm", "LiteralPath"},
    "Get-Module": {"ListAvailable", "Name"},
    "Get-PSSessionConfiguration": {"Name"},
    "Import-PowerShellDataFile": {"LiteralPath"},
    "Invoke-CimMethod": {"Arguments", "ClassName", "InputObject", "MethodName"},
    "Invoke-Command": {"ScriptBlock", "Session"},
    "Join-Path": {"ChildPath", "Path"},  # -AdditionalChildPath came later
    "Move-Item": {"Destination", "Force", "LiteralPath"},
    "New-Item": {"Force", "ItemType", "Path"},
    "New-PSSession": {"ComputerName"},
    "New-PSSessionConfigurationFile": {
        "Author",
        "Description",
        "GroupManagedServiceAccount",
        "Guid",
        "Path",
        "RoleDefinitions",
        "RunAsVirtualAccount",
        "SessionType",
        "TranscriptDirectory",
    },
    "Receive-Job": {"Job"},
    "Register-PSSessionConfiguration": {"Force", "Name", "NoServiceRestart", "Path"},
    "Remove-Item": {"Force", "LiteralPath", "Recurse"},
    "Remove-PSSession": {"Session"},
    "Rename-Item": {"LiteralPath", "NewName"},
    "Restart-Service": {"Force", "Name"},
    "Set-StrictMode": {"Version"},
    "Sort-Object": set(),
    "Start-Sleep": {"Milliseconds", "Seconds"},
    "Test-PSSessionConfigurationFile": {"Path"},
    "Test-Path": {"LiteralPath", "PathType"},
    "Unregister-PSSessionConfiguration": {"Force", "Name", "NoServiceRestart"},
    "Write-Verbose": {"Message"},
    "Write-Warning": {"Message"},
}

COMMON = {"Confirm", "ErrorAction", "WhatIf"}
