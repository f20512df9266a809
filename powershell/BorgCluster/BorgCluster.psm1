# One function a file. Private ones are the module's own; the manifest names what is exported.
Set-StrictMode -Version 2.0
$ErrorActionPreference = 'Stop'

foreach ($folder in @('Private', 'Public')) {
    $path = Join-Path -Path $PSScriptRoot -ChildPath $folder
    foreach ($file in @(Get-ChildItem -LiteralPath $path -Filter '*.ps1' -File)) {
        . $file.FullName
    }
}
