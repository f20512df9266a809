function Get-BorgClusterAssociate {
    <#
    .SYNOPSIS
    Lists the WMI instances of a class that an instance is associated with.
    #>
    param (
        [Parameter(Mandatory)]
        [object]
        $InputObject,

        [Parameter(Mandatory)]
        [string]
        $ClassName,

        # The class of the association, where several lead to that class
        [AllowEmptyString()]
        [string]
        $Association = ''
    )

    $query = @{
        InputObject = $InputObject
        ResultClassName = $ClassName
        ErrorAction = 'Stop'
    }
    if ($Association -ne '') {
        $query['Association'] = $Association
    }
    foreach ($one in @(CimCmdlets\Get-CimAssociatedInstance @query)) {
        if ($null -ne $one) {
            $one
        }
    }
}
