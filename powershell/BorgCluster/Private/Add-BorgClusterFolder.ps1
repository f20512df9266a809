function Add-BorgClusterFolder {
    <#
    .SYNOPSIS
    Creates the folder that a file or folder is to lie in, with those above it; one that is there is fine.
    #>
    param (
        # What is to lie in it
        [Parameter(Mandatory)]
        [string]
        $Path
    )

    $native = Resolve-BorgClusterNativePath -Path (Get-BorgClusterParentPath -Path $Path)
    $null = [System.IO.Directory]::CreateDirectory($native)
}
