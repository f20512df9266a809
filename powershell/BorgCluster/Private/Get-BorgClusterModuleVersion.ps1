function Get-BorgClusterModuleVersion {
    <#
    .SYNOPSIS
    Tells the module's version. A constant, because the functions also run where they were sent without their manifest.
    #>
    return '0.1.0'
}
